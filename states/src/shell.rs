//! Words for a POSIX shell.

/// Quotes a text so that a shell reads it as one word, as Python's `shlex.quote` does.
pub(crate) fn quote(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}
