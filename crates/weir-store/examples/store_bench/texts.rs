//! Calls that look like traffic: texts of ordinary English, values with a long tail.

use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, Status, TokenSource};
use weir_core::time::Micros;
use weir_core::token::TokenCounts;

const STEMS: &str = "the of and to in a is that for it as was with be by on not he his but at are this have from or had an \
they which one you were all her she there would their we him been has when who will no more if out so up said what its \
about than into them can only other time new some could these two may first then do any like my now over such our man me \
even most made after also did many off before must well back through years much where your way down should because long \
each just state people those too mr how little good world make very year still see own work men day get here old between \
both under last never know us place being another came great go same three since against right life small number again \
part found course fact government system social public high order present point house water school end program question \
possible develop country second group several number national service business interest important company problem change \
account customer delivery request answer summary report contract payment invoice support ticket product feature release \
version database network server latency budget forecast revenue quarter analysis document section paragraph reference \
policy agreement insurance patient treatment measure temperature pressure voltage material surface distance velocity \
language model prompt token response context retrieval embedding evaluation pipeline gateway provider schedule meeting \
travel flight hotel restaurant recipe ingredient weather river mountain forest garden animal history century empire \
theory experiment evidence hypothesis result method sample variable function equation theorem proof algorithm memory";
const SUFFIXES: [&str; 8] = ["", "", "", "s", "ed", "ing", "er", "ly"];

/// A corpus to cut texts from, and the choice of values.
pub(crate) struct Traffic {
    corpus: String,
    heads: Vec<String>,
    random: u64,
}

impl Traffic {
    /// A corpus of 16 MB.
    pub(crate) fn new(seed: u64) -> Self {
        let mut traffic = Self { corpus: String::new(), heads: Vec::new(), random: seed | 1 };
        let stems: Vec<&str> = STEMS.split_whitespace().collect();
        let mut words: Vec<String> = stems.iter().map(|s| (*s).to_owned()).collect();
        for stem in stems.iter().filter(|s| s.len() > 3) {
            words.extend(SUFFIXES.iter().skip(3).map(|suffix| format!("{stem}{suffix}")));
        }
        // Zipf: the k-th word about 1/k as often as the first.
        let mut in_sentence = 0;
        while traffic.corpus.len() < 16 << 20 {
            let u = traffic.unit();
            let rank = ((words.len() as f64).powf(u) - 1.0) as usize;
            let word = &words[rank.min(words.len() - 1)];
            if in_sentence == 0 {
                let mut letters = word.chars();
                traffic.corpus.extend(letters.next().map(|c| c.to_ascii_uppercase()));
                traffic.corpus.push_str(letters.as_str());
            } else {
                traffic.corpus.push(' ');
                traffic.corpus.push_str(word);
            }
            in_sentence += 1;
            if in_sentence > 6 && traffic.unit() < 0.12 {
                let stop = if traffic.unit() < 0.15 { ".\n\n" } else { ". " };
                traffic.corpus.push_str(stop);
                in_sentence = 0;
            } else if traffic.unit() < 0.05 {
                traffic.corpus.push(',');
            }
        }
        traffic.heads = (0..20).map(|_| traffic.text(500)).collect();
        traffic
    }

    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// One of `n` kinds, the first far more often than the last.
    fn skewed(&mut self, n: u64) -> u64 {
        let u = self.unit();
        ((n as f64) * u * u * u) as u64
    }

    fn text(&mut self, bytes: usize) -> String {
        let at = self.below((self.corpus.len() - bytes) as u64) as usize;
        self.corpus[at..at + bytes].to_owned()
    }

    /// The `n`-th call, that starts then: 2,048 bytes of prompt, 1,024 of answer.
    pub(crate) fn call(&mut self, n: u64, start: Micros) -> Span {
        let head = self.below(20) as usize;
        let question = self.text(1_548);
        let input = format!("{}{question}", self.heads[head]);
        let output = self.text(1_024);
        let latency = (400_000.0 * (-self.unit().max(1e-9).ln()).powf(1.5)) as i64 + 80_000;
        let failed = self.unit();
        let status = match failed {
            f if f < 0.02 => Status::Error,
            f if f < 0.05 => Status::Cached,
            f if f < 0.0503 => Status::Blocked,
            _ => Status::Success,
        };
        let model = self.skewed(12);
        let prompt = 300 + self.below(400);
        let completion = 50 + self.below(400);
        let rare = n % 1_000_000 == 500_000;
        // A key belongs to a department and a project, which use their own prompts.
        let key = self.skewed(10);
        let project = key % 2;
        let version = project * 4 + self.skewed(4);
        Span {
            kind: Some(SpanKind::Llm),
            name: Some("chat".into()),
            project: Some(if project == 1 { "assistants" } else { "checkout" }.into()),
            status: Some(status),
            start_us: Some(start),
            end_us: Some(start + latency),
            ttft_us: Some(latency / 3),
            error_type: (status == Status::Error).then(|| "timeout".into()),
            error: (status == Status::Error).then(|| "the upstream took too long".into()),
            provider: Some(["azure", "openai", "groq", "local"][(model % 4) as usize].into()),
            model: Some(if rare { "rare-model".into() } else { format!("gpt-{model}") }),
            response_model: Some(format!("gpt-{model}-2026-01-01")),
            deployment: Some(format!("azure/gpt-{model}")),
            operation: Some("chat".into()),
            stream: Some(n.is_multiple_of(2)),
            prompt_name: Some("support".into()),
            prompt_version: Some(format!("v{version}")),
            department: Some(format!("dept-{}", key / 2)),
            user: Some(format!("user-{}", self.skewed(50_000))),
            key: Some(if rare { "rare-key".into() } else { format!("key-{key}") }),
            session: Some(format!("session-{}", n / 12 + self.below(40))),
            request_id: Some(format!("req-{n:012x}")),
            http_status: Some(if status == Status::Error { 504 } else { 200 }),
            finish_reason: Some("stop".into()),
            attempts: Some(1),
            cache: Some(if status == Status::Cached { "hit" } else { "miss" }.into()),
            tokens: Some(TokenCounts { cached: 128, ..TokenCounts::of(prompt, completion) }),
            token_source: Some(TokenSource::Provider),
            cost: (!n.is_multiple_of(50)).then_some(NanoUsd((prompt * 150 + completion * 600) as i64)),
            tags: rare.then(|| vec!["rare-tag".into()]),
            input: Some(input),
            output: Some(output),
            ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
        }
    }
}
