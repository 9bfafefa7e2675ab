//! What a file is, by the end of its name. What a browser would run as a page of this server is plain text.

/// Endings that are text for people, whatever else they are.
const TEXT: &[&str] = &[
    "txt",
    "log",
    "err",
    "cfg",
    "conf",
    "cnf",
    "cf",
    "ini",
    "properties",
    "prop",
    "hocon",
    "toml",
    "yaml",
    "yml",
    "xml",
    "json",
    "js",
    "mjs",
    "py",
    "py3",
    "csv",
    "tsv",
    "md",
    "rst",
    "ipynb",
    "html",
    "htm",
    "xhtml",
    "shtml",
    "xht",
    "mht",
    "mhtml",
    "css",
    "c",
    "h",
    "bat",
    "ksh",
    "pl",
    "sh",
    "sql",
    "srt",
    "vtt",
];

const TYPES: &[(&str, &str)] = &[
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("jpe", "image/jpeg"),
    ("gif", "image/gif"),
    ("bmp", "image/bmp"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("svg", "image/svg+xml"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("ico", "image/vnd.microsoft.icon"),
    ("heic", "image/heic"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("tar", "application/x-tar"),
    ("gz", "application/gzip"),
    ("tgz", "application/x-tar"),
    ("bz2", "application/x-bzip2"),
    ("xz", "application/x-xz"),
    ("h5", "application/x-hdf5"),
    ("hdf", "application/x-hdf"),
    ("wasm", "application/wasm"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("rtf", "application/rtf"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/x-wav"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("oga", "audio/ogg"),
    ("opus", "audio/opus"),
    ("m4a", "audio/mp4"),
    ("aac", "audio/aac"),
    ("mp4", "video/mp4"),
    ("m4v", "video/x-m4v"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("mov", "video/quicktime"),
    ("avi", "video/x-msvideo"),
    ("webm", "video/webm"),
    ("mkv", "video/x-matroska"),
    ("ogv", "video/ogg"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("tex", "application/x-tex"),
    ("latex", "application/x-latex"),
];

/// The content type of a file's name.
pub(super) fn content_type(name: &str) -> &'static str {
    // MLflow's own files have no ending.
    if matches!(name, "MLmodel" | "MLproject") {
        return "text/plain";
    }
    let ending = match name.rsplit_once('.') {
        Some((start, ending)) if !start.is_empty() => ending.to_ascii_lowercase(),
        _ => return "application/octet-stream",
    };
    if TEXT.contains(&ending.as_str()) {
        return "text/plain";
    }
    TYPES.iter().find(|(of, _)| *of == ending).map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_go_by_the_end_of_the_name_and_no_page_is_one() {
        for (name, kind) in [
            ("a.png", "image/png"),
            ("A.JPG", "image/jpeg"),
            ("a.b.json", "text/plain"),
            ("MLmodel", "text/plain"),
            ("model.pkl", "application/octet-stream"),
            ("png", "application/octet-stream"),
            (".png", "application/octet-stream"),
            ("a.", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), kind, "{name}");
        }
        for page in ["a.html", "a.HTM", "a.xhtml", "a.js", "a.xml", "a.mht", "a.css"] {
            assert_eq!(content_type(page), "text/plain", "{page}");
        }
    }
}
