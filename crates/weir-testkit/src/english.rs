//! Ordinary English of any length, each piece different: for prompts and answers that compress as real ones do.
//!
//! Random words lean to the frequent ones but know no grammar, so they compress worse than real text; windows of a
//! real text's file compress as that text does.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use fastrand::Rng;

/// Common words, the most frequent first; the choice leans to the front as speech does.
const WORDS: &str = "the of and to a in is it you that he was for on are with as I his they be at one have this \
from or had by hot but some what there we can out other were all your when up use word how said an each she which \
do their time if will way about many then them would write like so these her long make thing see him two has look \
more day could go come did my sound no most number who over know water than call first people may down side been \
now find any new work part take get place made live where after back little only round man year came show every \
good me give our under name very through just form much great think say help low line before turn cause same mean \
differ move right boy old too does tell sentence set three want air well also play small end put home read hand \
port large spell add even land here must big high such follow act why ask men change went light kind off need \
house picture try us again animal point mother world near build self earth father head stand own page should \
country found answer school grow study still learn plant cover food sun four thought let keep eye never last door \
between city tree cross since hard start might story saw far sea draw left late run while press close night real \
life few stop open seem together next white children begin got walk example ease paper often always music those \
both mark book letter until mile river car feet care second group carry took rain eat room friend began idea fish \
mountain north once base hear horse cut sure watch color face wood main enough plain girl usual young ready above \
ever red list though feel talk bird soon body dog family direct pose leave song measure state product black short \
numeral class wind question happen complete ship area half rock order fire south problem piece told knew pass farm \
top whole king size heard best hour better true during hundred am remember step early hold west ground interest \
reach fast five sing listen six table travel less morning ten simple several vowel toward war lay against pattern \
slow center love person money serve appear road map science rule govern pull cold notice voice fall power town \
fine certain fly unit lead cry dark machine note wait plan figure star box noun field rest correct able pound done \
beauty drive stood contain front teach week final gave green quick develop sleep warm free minute strong special \
mind behind clear tail produce fact street inch lot nothing course stay wheel full force blue object decide surface \
deep moon island foot yet busy test record boat common gold possible plane age dry wonder laugh thousand ago ran \
check game shape yes cool miss brought heat snow bed bring sit perhaps fill east weight language among";

static LIST: LazyLock<Vec<&'static str>> = LazyLock::new(|| WORDS.split_ascii_whitespace().collect());

/// Where English comes from.
#[derive(Debug, Clone, Default)]
pub enum English {
    /// Random words of a list of about six hundred, in sentences.
    #[default]
    Words,
    /// Windows of a text.
    Text(Arc<str>),
}

impl English {
    /// Windows of a file's text.
    ///
    /// # Errors
    /// When the file cannot be read, is not UTF-8 or is shorter than a kilobyte.
    pub fn from_file(path: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        if text.len() < 1024 {
            return Err(std::io::Error::other("a text to take windows of has at least 1024 bytes"));
        }
        Ok(Self::Text(text.into()))
    }

    /// The next `size` bytes of English.
    pub fn take(&self, size: usize, rng: &mut Rng) -> String {
        let mut out = String::with_capacity(size + 16);
        match self {
            Self::Words => words(&mut out, size, rng),
            Self::Text(text) => window(text, &mut out, size, rng),
        }
        out
    }
}

fn words(out: &mut String, size: usize, rng: &mut Rng) {
    let mut left = 0;
    while out.len() < size {
        let first = left == 0;
        if first {
            left = rng.usize(5..18);
        }
        let lean = rng.f64();
        let word = LIST[(lean * lean * LIST.len() as f64) as usize];
        if first {
            out.push(word.as_bytes()[0].to_ascii_uppercase() as char);
            out.push_str(&word[1..]);
        } else {
            out.push_str(word);
        }
        left -= 1;
        out.push_str(if left == 0 { ". " } else { " " });
    }
    out.truncate(size);
}

/// From a random place on, around the text's end when need be; spaces fill what a cut character leaves.
fn window(text: &str, out: &mut String, size: usize, rng: &mut Rng) {
    let mut from = text.floor_char_boundary(rng.usize(..text.len()));
    while out.len() < size {
        let rest = &text[from..];
        let end = rest.floor_char_boundary(size - out.len());
        if end == 0 {
            out.push(' ');
        }
        out.push_str(&rest[..end]);
        from = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_exact_and_pieces_differ() {
        let text = English::Text("Wasser läuft über das Wehr. ".repeat(50).into());
        for english in [English::Words, text] {
            let mut rng = Rng::with_seed(1);
            let pieces: Vec<_> = (0..50).map(|size| english.take(size * 37, &mut rng)).collect();
            for (index, piece) in pieces.iter().enumerate() {
                assert_eq!(piece.len(), index * 37);
            }
            assert_ne!(english.take(500, &mut rng), english.take(500, &mut rng));
        }
    }
}
