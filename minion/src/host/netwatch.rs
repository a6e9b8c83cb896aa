//! What the kernel says of its own accord about links, addresses, routes and rules: only that something changed. What it
//! is now is read anew by whoever wants to know, so a lost message loses nothing.

use std::io;

use futures_util::StreamExt;
use rtnetlink::MulticastGroup;
use tokio::task::JoinHandle;

/// What is listened to.
pub(crate) const GROUPS: &[MulticastGroup] = &[
    MulticastGroup::Link,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
    MulticastGroup::Ipv4Rule,
    MulticastGroup::Ipv6Rule,
];

/// The stream of messages, of which only their coming is told.
pub(crate) struct Changes {
    messages: futures_util::stream::BoxStream<'static, ()>,
    driver: JoinHandle<()>,
}

impl Changes {
    /// Begins to listen; on a runtime, in the network namespace of this thread.
    ///
    /// # Errors
    /// When the kernel does not let us.
    pub(crate) fn listen() -> io::Result<Self> {
        let (connection, _handle, messages) = rtnetlink::new_multicast_connection(GROUPS)?;
        // Overruns come as messages too.
        Ok(Self { messages: messages.map(drop).boxed(), driver: tokio::spawn(connection) })
    }

    /// Waits for the next change; false when there will be none any more.
    pub(crate) async fn next(&mut self) -> bool {
        self.messages.next().await.is_some()
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
