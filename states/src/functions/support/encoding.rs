//! Texts in the encodings that Python knows by name and that files still come in.

use crate::function::StateError;

/// An encoding of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8 {
        mark: bool,
    },
    Utf16 {
        big: bool,
        mark: bool,
    },
    Utf32 {
        big: bool,
        mark: bool,
    },
    /// One byte a character: the same numbers up to `exact`, then those of a table.
    Bytes {
        exact: u32,
        table: &'static [(char, u8)],
    },
}

const LATIN_9: [(char, u8); 8] =
    [('€', 0xa4), ('Š', 0xa6), ('š', 0xa8), ('Ž', 0xb4), ('ž', 0xb8), ('Œ', 0xbc), ('œ', 0xbd), ('Ÿ', 0xbe)];

const WINDOWS: [(char, u8); 27] = [
    ('€', 0x80),
    ('‚', 0x82),
    ('ƒ', 0x83),
    ('„', 0x84),
    ('…', 0x85),
    ('†', 0x86),
    ('‡', 0x87),
    ('ˆ', 0x88),
    ('‰', 0x89),
    ('Š', 0x8a),
    ('‹', 0x8b),
    ('Œ', 0x8c),
    ('Ž', 0x8e),
    ('‘', 0x91),
    ('’', 0x92),
    ('“', 0x93),
    ('”', 0x94),
    ('•', 0x95),
    ('–', 0x96),
    ('—', 0x97),
    ('˜', 0x98),
    ('™', 0x99),
    ('š', 0x9a),
    ('›', 0x9b),
    ('œ', 0x9c),
    ('ž', 0x9e),
    ('Ÿ', 0x9f),
];

impl Encoding {
    /// Finds an encoding by one of Python's names for it.
    fn named(name: &str) -> Option<Self> {
        let plain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        Some(match plain.as_str() {
            "utf8" | "u8" | "utf" => Self::Utf8 { mark: false },
            "utf8sig" => Self::Utf8 { mark: true },
            "utf16" | "u16" => Self::Utf16 { big: false, mark: true },
            "utf16le" => Self::Utf16 { big: false, mark: false },
            "utf16be" => Self::Utf16 { big: true, mark: false },
            "utf32" | "u32" => Self::Utf32 { big: false, mark: true },
            "utf32le" => Self::Utf32 { big: false, mark: false },
            "utf32be" => Self::Utf32 { big: true, mark: false },
            "ascii" | "usascii" | "646" => Self::Bytes { exact: 0x7f, table: &[] },
            "latin1" | "iso88591" | "latin" | "l1" | "8859" | "cp819" => {
                Self::Bytes { exact: 0xff, table: &[] }
            }
            "iso885915" | "latin9" | "l9" => Self::Bytes { exact: 0xff, table: &LATIN_9 },
            "cp1252" | "windows1252" => Self::Bytes { exact: 0xff, table: &WINDOWS },
            _ => return None,
        })
    }

    fn encode(self, c: char, out: &mut Vec<u8>) -> bool {
        let number = u32::from(c);
        match self {
            Self::Utf8 { .. } => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Self::Utf16 { big, .. } => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(&if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
                }
            }
            Self::Utf32 { big, .. } => {
                out.extend_from_slice(&if big { number.to_be_bytes() } else { number.to_le_bytes() });
            }
            Self::Bytes { exact, table } => {
                let listed = table.iter().find(|(known, _)| *known == c).map(|(_, byte)| *byte);
                // What the table gives away is no longer what its number says.
                let taken = |byte: u8| {
                    table.iter().any(|(_, b)| *b == byte)
                        || exact == 0xff && table.len() == WINDOWS.len() && (0x80..0xa0).contains(&byte)
                };
                let same = u8::try_from(number).ok().filter(|byte| number <= exact && !taken(*byte));
                match listed.or(same) {
                    Some(byte) => out.push(byte),
                    None => return false,
                }
            }
        }
        true
    }

    fn mark(self) -> bool {
        matches!(
            self,
            Self::Utf8 { mark: true } | Self::Utf16 { mark: true, .. } | Self::Utf32 { mark: true, .. }
        )
    }
}

/// Writes a text in an encoding; `errors` says what becomes of characters that it does not have.
pub(crate) fn encoded(text: &str, encoding: &str, errors: &str) -> Result<Vec<u8>, StateError> {
    let Some(code) = Encoding::named(encoding) else {
        let known =
            "utf-8, utf-8-sig, utf-16, utf-32 (each also -le and -be), ascii, latin-1, iso-8859-15, cp1252";
        return Err(StateError::About {
            argument: "encoding",
            text: format!("{encoding:?} is no known encoding\n  the encodings are {known}"),
        });
    };
    let mut out = Vec::with_capacity(text.len());
    if code.mark() {
        code.encode('\u{feff}', &mut out);
    }
    for c in text.chars() {
        if code.encode(c, &mut out) {
            continue;
        }
        let number = u32::from(c);
        let instead = match errors {
            "ignore" => String::new(),
            "replace" => "?".to_owned(),
            "xmlcharrefreplace" => format!("&#{number};"),
            "backslashreplace" if number <= 0xff => format!("\\x{number:02x}"),
            "backslashreplace" if number <= 0xffff => format!("\\u{number:04x}"),
            "backslashreplace" => format!("\\U{number:08x}"),
            "strict" => {
                return Err(StateError::failed(format!(
                    "the content has {c:?}, which {encoding} has not (choose another encoding, or encoding_errors: replace)"
                )));
            }
            other => {
                let text = format!(
                    "{other:?} is no way to treat errors\n  the ways are strict, ignore, replace, xmlcharrefreplace and backslashreplace"
                );
                return Err(StateError::About { argument: "encoding_errors", text });
            }
        };
        for c in instead.chars() {
            code.encode(c, &mut out);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_as_python_writes_them() {
        let bytes = |text: &str, encoding: &str| encoded(text, encoding, "strict").unwrap();
        assert_eq!(bytes("aä", "latin-1"), [b'a', 0xe4]);
        assert_eq!(bytes("€", "ISO8859-15"), [0xa4]);
        assert_eq!(bytes("ä€", "cp1252"), [0xe4, 0x80]);
        assert_eq!(bytes("ab", "utf-16"), [0xff, 0xfe, b'a', 0, b'b', 0]);
        assert_eq!(bytes("a", "utf_16_be"), [0, b'a']);
        assert_eq!(bytes("ä", "utf-8-sig"), [0xef, 0xbb, 0xbf, 0xc3, 0xa4]);
        assert_eq!(bytes("a", "utf-32-le"), [b'a', 0, 0, 0]);
    }

    #[test]
    fn what_an_encoding_has_not_is_refused_or_replaced() {
        assert!(encoded("€", "latin-1", "strict").is_err());
        assert!(encoded("\u{85}", "cp1252", "strict").is_err());
        let with = |errors: &str| String::from_utf8(encoded("a€", "ascii", errors).unwrap()).unwrap();
        assert_eq!([with("ignore"), with("replace")], ["a", "a?"]);
        assert_eq!([with("xmlcharrefreplace"), with("backslashreplace")], ["a&#8364;", "a\\u20ac"]);
        assert!(encoded("€", "ascii", "hope").is_err() && encoded("a", "klingon", "strict").is_err());
    }
}
