//! Request bodies: a chat completion with a prompt of ordinary English.

use bytes::Bytes;
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

/// Makes request bodies of one model and size.
#[derive(Debug)]
pub struct Prompt {
    model: String,
    size: usize,
    stream: bool,
    words: Vec<&'static str>,
    rng: Rng,
}

impl Prompt {
    /// Bodies for `model` with a user message of `size` bytes; one seed gives one row of bodies.
    pub fn new(model: &str, size: usize, stream: bool, seed: u64) -> Self {
        let words = WORDS.split_ascii_whitespace().collect();
        Self {
            model: model.to_owned(),
            size,
            stream,
            words,
            rng: Rng::with_seed(seed),
        }
    }

    /// The next body.
    pub fn body(&mut self) -> Bytes {
        let mut out = String::with_capacity(self.size + 200);
        out.push_str("{\"model\":");
        out.push_str(&serde_json::Value::from(self.model.as_str()).to_string());
        if self.stream {
            out.push_str(",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
        }
        out.push_str(",\"messages\":[{\"role\":\"user\",\"content\":\"");
        let start = out.len();
        let end = start + self.size;
        let mut left = 0;
        while out.len() < end {
            let first = left == 0;
            if first {
                left = self.rng.usize(5..18);
            }
            let lean = self.rng.f64();
            let word = self.words[(lean * lean * self.words.len() as f64) as usize];
            if first {
                out.push(word.as_bytes()[0].to_ascii_uppercase() as char);
                out.push_str(&word[1..]);
            } else {
                out.push_str(word);
            }
            left -= 1;
            out.push_str(if left == 0 { ". " } else { " " });
        }
        out.truncate(end);
        out.push_str("\"}],\"temperature\":0.7}");
        out.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_asked_size_and_differ() {
        let mut prompt = Prompt::new("m\"x", 1000, true, 1);
        let (one, two) = (prompt.body(), prompt.body());
        assert_ne!(one, two);
        for body in [&one, &two] {
            let value: serde_json::Value = serde_json::from_slice(body).unwrap();
            assert_eq!(
                value["messages"][0]["content"].as_str().map(str::len),
                Some(1000)
            );
            assert_eq!(value["model"], "m\"x");
        }
        assert_eq!(Prompt::new("m\"x", 1000, true, 1).body(), one);
    }
}
