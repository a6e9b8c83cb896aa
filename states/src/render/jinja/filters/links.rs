//! The filter `urlize`: addresses in a text become links.

use std::sync::LazyLock;

use regex::Regex;

use super::super::call::CallArgs;
use super::super::error::Res;
use super::super::value::Val;
use super::text::escape;
use super::{count, flag};

/// What is an address of the web: with a scheme, with `www.`, or a name in one of the old domains.
static WEB: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"(?:https?://|www\.)(?:[\w%-]+\.)*(?:[a-z]{2,63}|xn--[\w%]{2,59})";
    let old = r"(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)";
    let number = r"https?://(?:(?:\d{1,3}\.){3}\d{1,3}|\[[0-9A-Fa-f:.]+\])";
    Regex::new(&format!(r"^(?i:{name}|{old}|{number})(?::\d{{1,5}})?(?:[/?#]\S*)?$"))
        .expect("a fixed pattern")
});

static MAIL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\S+@\w[\w.-]*\.\w+$").expect("a fixed pattern"));

/// Applies the filter.
pub(super) fn apply(value: &Val, args: &CallArgs) -> Res<Val> {
    let names = ["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"];
    let [limit, nofollow, target, rel, _] = args.clone().bind("urlize", names)?;
    let limit = match limit {
        None | Some(Val::None) => usize::MAX,
        other => count(other.as_ref(), 0)?,
    };
    let mut words: Vec<String> = vec!["noopener".to_owned()];
    if flag(nofollow, false)? {
        words.push("nofollow".to_owned());
    }
    if let Some(rel) = rel.filter(|r| !matches!(r, Val::None)) {
        words.extend(rel.to_text()?.split_whitespace().map(str::to_owned));
    }
    words.sort();
    let mut more = format!(" rel=\"{}\"", escape(&words.join(" ")));
    if let Some(target) = target.filter(|t| !matches!(t, Val::None)) {
        more.push_str(&format!(" target=\"{}\"", escape(&target.to_text()?)));
    }
    let text = escape(&value.to_text()?);
    let linked = text.split_inclusive(char::is_whitespace).map(|word| {
        let end = word.trim_end_matches(char::is_whitespace);
        linked(end, limit, &more) + &word[end.len()..]
    });
    Ok(Val::str(linked.collect::<String>()))
}

/// Makes a link of one word, without the brackets and full stops around it.
fn linked(word: &str, limit: usize, more: &str) -> String {
    let mut middle = word;
    while let Some(rest) = ["(", "<", "&lt;"].iter().find_map(|p| middle.strip_prefix(p)) {
        middle = rest;
    }
    let head = &word[..word.len() - middle.len()];
    while let Some(rest) = [".", ",", ")", ">", "&gt;"].iter().find_map(|p| middle.strip_suffix(p)) {
        // A bracket that opens within the word is closed by it.
        if middle.ends_with(')') && middle.matches('(').count() >= middle.matches(')').count() {
            break;
        }
        middle = rest;
    }
    let tail = &word[head.len() + middle.len()..];
    let shown = match middle.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", &middle[..end]),
        None => middle.to_owned(),
    };
    let link = if WEB.is_match(middle) {
        let scheme =
            if middle.starts_with("http://") || middle.starts_with("https://") { "" } else { "https://" };
        format!("<a href=\"{scheme}{middle}\"{more}>{shown}</a>")
    } else if let Some(address) = middle.strip_prefix("mailto:").filter(|a| MAIL.is_match(a)) {
        format!("<a href=\"{middle}\">{address}</a>")
    } else if MAIL.is_match(middle) && !middle.contains(':') && !middle.starts_with("www.") {
        format!("<a href=\"mailto:{middle}\">{middle}</a>")
    } else {
        middle.to_owned()
    };
    format!("{head}{link}{tail}")
}
