//! Look-ups in nested data by a path with colons, as grains and pillar are asked.

use lab_proto::Value;

use crate::render::yaml;

/// Follows `a:b:0` through mappings and lists.
pub(crate) fn traverse<'a>(tree: &'a Value, key: &str, delimiter: &str) -> Option<&'a Value> {
    // A key may itself contain the delimiter (a MAC address, say).
    if let Some(whole) = tree.get(key) {
        return Some(whole);
    }
    key.split(delimiter).try_fold(tree, |here, part| step(here, part))
}

fn step<'a>(here: &'a Value, part: &str) -> Option<&'a Value> {
    match here {
        // Keys need not be texts: what reads as a number or a boolean finds those.
        Value::Map(map) => map.get(part).or_else(|| match yaml::scalar_of(part) {
            Value::Str(_) => None,
            key => map.get(&key),
        }),
        // Not into tuples, as in Salt.
        Value::List(items) => match part.parse::<isize>() {
            // From the end, where it is negative.
            Ok(index) if index < 0 => items.len().checked_add_signed(index).and_then(|i| items.get(i)),
            Ok(index) => items.get(index.unsigned_abs()),
            Err(_) => items.iter().find_map(|item| item.get(part)),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_through_mappings_lists_and_keys_with_colons() {
        let tree = Value::from([
            ("a", Value::from([("b", Value::from(vec![1, 2]))])),
            ("52:54", Value::from(true)),
            ("l", Value::from(vec![Value::from([("k", 7)])])),
            (
                "n",
                Value::Map(
                    [(Value::Int(80), Value::from("web")), (Value::Bool(true), Value::from("on"))]
                        .into_iter()
                        .collect(),
                ),
            ),
        ]);
        assert_eq!(traverse(&tree, "n:80", ":"), Some(&Value::from("web")));
        assert_eq!(traverse(&tree, "n:True", ":"), Some(&Value::from("on")));
        assert_eq!(traverse(&tree, "a:b:1", ":"), Some(&Value::from(2)));
        assert_eq!(traverse(&tree, "52:54", ":"), Some(&Value::from(true)));
        assert_eq!(traverse(&tree, "l:k", ":"), Some(&Value::from(7)));
        assert_eq!(traverse(&tree, "a:x", ":"), None);
        assert_eq!(traverse(&tree, "a:b:-1", ":"), Some(&Value::from(2)));
        assert_eq!(traverse(&tree, "a:b:-3", ":"), None);
    }
}
