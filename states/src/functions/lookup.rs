//! Look-ups in nested data by a path with colons, as grains and pillar are asked.

use lab_proto::Value;

/// Follows `a:b:0` through mappings and lists.
pub(super) fn traverse<'a>(tree: &'a Value, key: &str, delimiter: &str) -> Option<&'a Value> {
    // A key may itself contain the delimiter (a MAC address, say).
    if let Some(whole) = tree.get(key) {
        return Some(whole);
    }
    key.split(delimiter).try_fold(tree, |here, part| step(here, part))
}

fn step<'a>(here: &'a Value, part: &str) -> Option<&'a Value> {
    match here {
        Value::Map(map) => map.get(part).or_else(|| {
            // YAML keys may be numbers.
            part.parse::<i128>().ok().and_then(|number| map.get(&Value::Int(number)))
        }),
        Value::List(items) | Value::Tuple(items) => match part.parse::<usize>() {
            Ok(index) => items.get(index),
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
        ]);
        assert_eq!(traverse(&tree, "a:b:1", ":"), Some(&Value::from(2)));
        assert_eq!(traverse(&tree, "52:54", ":"), Some(&Value::from(true)));
        assert_eq!(traverse(&tree, "l:k", ":"), Some(&Value::from(7)));
        assert_eq!(traverse(&tree, "a:x", ":"), None);
    }
}
