//! Whose event it is. An event says it up to three times: in its tag, in the `id` of its data, and by its origin. This is the
//! one place that holds them against each other; the minion's and the master's doors, facts and waits all ask here.

use crate::ids::MinionId;
use crate::tag::EventTag;
use crate::value::Value;

/// An event that is not its sender's to state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotItsOwn {
    /// The tag names another minion, or is one of the master's.
    #[error("the tag {0} is not this minion's")]
    Tag(EventTag),
    /// The tag names one minion and the data another.
    #[error(
        "{tag} has {said} as `id` in its data, and its tag names {named}: a minion speaks only for itself; leave `id` out or \
         let it be {named}"
    )]
    Id {
        /// The tag.
        tag: EventTag,
        /// The minion that it names.
        named: String,
        /// What the data says.
        said: String,
    },
}

impl EventTag {
    /// Returns the minion that the tag names, by the form of the tag alone.
    pub fn minion(&self) -> Option<&str> {
        let [first, second, third, fourth, fifth] = self.first_parts();
        let id = match (first, second, fourth) {
            ("salt", "minion" | "beacon", _) | ("lab", "minion" | "net" | "virt" | "mine", _) => third,
            ("salt", "state_result", _) => fourth,
            ("salt", "job", "ret" | "prog") | ("lab", "job", "end") => fifth,
            _ => return None,
        };
        Some(id).filter(|id| !id.is_empty())
    }

    /// Returns the minion that the tag names and that `id` in the data means too. Of the tags that name one this is all but the
    /// result of a state, whose `id` is the state's.
    pub fn minion_in_data(&self) -> Option<&str> {
        self.minion().filter(|_| !self.as_str().starts_with("salt/state_result/"))
    }

    /// Tells whether `minion` may emit this tag: tags that name a minion must name it, tags of the master's own facts are never a
    /// minion's, all others are free.
    pub fn allowed_from(&self, minion: &MinionId) -> bool {
        let [first, second, _, fourth, _] = self.first_parts();
        let a_minions = match (first, second) {
            ("lab", "minion") => matches!(fourth, "start" | "ready" | "interrupted" | "event"),
            ("lab", "job") => false,
            ("salt" | "lab", _) => true,
            _ => return true,
        };
        a_minions && self.minion() == Some(minion.as_str())
    }

    /// Returns the parts that may name a kind or a minion; those that are missing are like empty ones, which name neither.
    fn first_parts(&self) -> [&str; 5] {
        let mut parts = self.parts();
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    }
}

/// Holds the `id` of an event's data, where it has one, against its tag.
///
/// # Errors
/// When the tag names a minion and the data names another.
pub fn check_id(tag: &EventTag, data: &Value) -> Result<(), NotItsOwn> {
    let (Some(named), Some(said)) = (tag.minion_in_data(), data.get("id")) else { return Ok(()) };
    if said.as_str() == Some(named) {
        return Ok(());
    }
    let said: String = said.to_string().chars().take(100).collect();
    Err(NotItsOwn::Id { tag: tag.clone(), named: named.to_owned(), said })
}

/// Holds an event against the minion that states it.
///
/// # Errors
/// When the tag is not this minion's to use, or the data names another one.
pub fn check(tag: &EventTag, data: &Value, from: &MinionId) -> Result<(), NotItsOwn> {
    if !tag.allowed_from(from) {
        return Err(NotItsOwn::Tag(tag.clone()));
    }
    check_id(tag, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web1() -> MinionId {
        MinionId::new("web1").expect("valid")
    }

    fn tag(text: &str) -> EventTag {
        EventTag::new(text).expect("valid")
    }

    #[test]
    fn a_minion_speaks_only_for_itself() {
        let may = |text: &str| tag(text).allowed_from(&web1());
        assert!(may("salt/minion/web1/start"));
        assert!(may("salt/beacon/web1/load/"));
        assert!(may("salt/job/20261121051940000042/ret/web1"));
        assert!(may("my/own/event"));
        assert!(may("salt/state_result/20261121051940000042/web1/motd"));
        assert!(may("lab/minion/web1/event/reboot-failed"));
        assert!(may("lab/net/web1/pending"));
        assert!(!may("salt/state_result/20261121051940000042/web2/motd"));
        assert!(!may("salt/minion/web2/start"));
        assert!(!may("salt/minion"));
        assert!(!may("salt/job/20261121051940000042/new"));
        assert!(!may("salt/job/20261121051940000042/ret/web2"));
        assert!(!may("lab/job/20261121051940000042/end/web1"));
        assert!(!may("lab/minion/web1/reboot"));
        assert!(!may("lab/minion/web1"));
        assert!(!may("lab/run/x/finished"));
        assert!(!may("salt/key"));
    }

    #[test]
    fn what_the_data_says_of_the_sender_must_be_what_the_tag_says() {
        let says = |text: &str, id: Value| check(&tag(text), &Value::from([("id", id)]), &web1());
        for named in [
            "salt/minion/web1/start",
            "lab/minion/web1/ready",
            "lab/net/web1/committed",
            "salt/beacon/web1/x",
        ] {
            assert_eq!(says(named, Value::from("web1")), Ok(()), "{named}");
            assert_eq!(check(&tag(named), &Value::Null, &web1()), Ok(()), "{named} without an id");
            for other in [Value::from("web2"), Value::Null, Value::from(7)] {
                assert!(matches!(says(named, other), Err(NotItsOwn::Id { .. })), "{named}");
            }
        }
        let told = says("lab/minion/web1/ready", Value::from("web2")).expect_err("another's").to_string();
        assert!(told.contains("names web1") && told.contains("web2"), "{told}");
        assert_eq!(says("salt/state_result/2/web1/motd", Value::from("motd")), Ok(()), "the state's id");
        assert_eq!(says("my/own/event", Value::from("web2")), Ok(()), "a free tag");
        assert_eq!(
            says("salt/minion/web2/start", Value::from("web1")),
            Err(NotItsOwn::Tag(tag("salt/minion/web2/start")))
        );
    }
}
