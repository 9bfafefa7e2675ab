//! What a Rust program embeds to record its LLM calls, decisions and tool calls: into a SQLite file, or into a Weir
//! server.
