//! `weir key`: keys for callers, of which the configuration needs only the hash.

use anyhow::bail;
use ring::rand::SecureRandom as _;
use sha2::{Digest, Sha256};

use crate::read::{print, texts};

/// Random bytes of a key.
const KEY_BYTES: usize = 24;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a new random key; it is shown once and kept nowhere
    New {
        /// Name of the key, in calls and statistics
        #[arg(long, default_value = "my-service")]
        name: String,
        /// What it may do
        #[arg(long, default_value = "call", value_parser = ["call", "write", "read", "admin"])]
        role: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Hash a key that exists
    Hash {
        /// Where the key comes from: - for stdin, or a file. A key as an argument would stay in the shell's history
        #[arg(value_name = "FILE|-", default_value = "-")]
        from: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Makes or hashes a key.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::New { name, role, json } => {
            let key = fresh()?;
            let hash = sha256(&key);
            if *json {
                let answer = serde_json::json!({"name": name, "key": key, "sha256": hash, "role": role});
                return print::line(&answer.to_string());
            }
            let name = toml::Value::from(name.as_str());
            print::line(&key)?;
            print::note("this is the only time that the key is shown; give it to the caller, and to weir.toml this:");
            print::line(&format!("\n[[keys]]\nname = {name}\nsha256 = \"{hash}\"\nrole = \"{role}\""))
        }
        Command::Hash { from, json } => {
            let read = texts::read(std::slice::from_ref(from))?;
            let Some(text) = read.first().filter(|t| t.source != "text") else {
                bail!(
                    "there is no file {from}; a key itself is no argument, since it would stay in the shell's history: \
                       printf %s \"$KEY\" | weir key hash -"
                );
            };
            let hash = match text.text.trim() {
                "" => bail!("the key is empty"),
                key => sha256(key),
            };
            if *json {
                print::line(&format!("{{\"sha256\":\"{hash}\"}}"))
            } else {
                print::line(&format!("sha256 = \"{hash}\""))
            }
        }
    }
}

/// A key from the operating system's randomness.
fn fresh() -> anyhow::Result<String> {
    let mut bytes = [0; KEY_BYTES];
    if ring::rand::SystemRandom::new().fill(&mut bytes).is_err() {
        bail!("the operating system gives no random bytes");
    }
    Ok(format!("wk-{}", hex::encode(bytes)))
}

fn sha256(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_hash_as_sha256sum_does() {
        let (a, b) = (fresh().unwrap(), fresh().unwrap());
        assert!(a != b && a.starts_with("wk-") && a.len() == 51);
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
