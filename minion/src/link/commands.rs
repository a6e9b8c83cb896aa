//! What the agent tells the link, taken in order also while the agent is told something.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::{LinkCommand, LinkEvent};

/// The agent's commands. Both channels between link and agent are bounded: a link that waited for room in one while the
/// agent waits for room in the other would stand still for ever.
pub(super) struct Commands {
    channel: mpsc::Receiver<LinkCommand>,
    /// Taken while the agent was told something. The agent drains what it is told at every turn, so these are few.
    taken: VecDeque<LinkCommand>,
}

/// The agent is no more.
pub(super) struct Gone;

impl Commands {
    pub(super) fn new(channel: mpsc::Receiver<LinkCommand>) -> Self {
        Self { channel, taken: VecDeque::new() }
    }

    /// Returns the next command, `None` when the agent is gone. May be dropped at any time without losing one.
    pub(super) async fn recv(&mut self) -> Option<LinkCommand> {
        match self.taken.pop_front() {
            Some(command) => Some(command),
            None => self.channel.recv().await,
        }
    }

    /// Tells the agent something, and takes its commands while it has no ear for it.
    pub(super) async fn tell(
        &mut self,
        agent: &mpsc::Sender<LinkEvent>,
        event: LinkEvent,
    ) -> Result<(), Gone> {
        loop {
            tokio::select! {
                biased;
                room = agent.reserve() => {
                    room.map_err(|_| Gone)?.send(event);
                    return Ok(());
                }
                Some(command) = self.channel.recv() => self.taken.push_back(command),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_agent_that_waits_for_room_is_told_all_the_same_and_its_commands_keep_their_order() {
        let (agent, mut events) = mpsc::channel(1);
        let (commands_tx, commands) = mpsc::channel(1);
        let mut commands = Commands::new(commands);
        agent.try_send(LinkEvent::Registered).expect("there is room for one");
        // An agent in the middle of a turn: it says three things before it hears again.
        let agent_task = tokio::spawn(async move {
            for jobs in 1..=3 {
                commands_tx.send(LinkCommand::Jobs(jobs)).await.expect("the link lives");
            }
            let heard = [events.recv().await, events.recv().await];
            (heard, commands_tx)
        });
        commands.tell(&agent, LinkEvent::Acked(7)).await.ok().expect("the agent lives");
        let (heard, _open) = agent_task.await.expect("the agent's turn ends");
        assert!(matches!(heard, [Some(LinkEvent::Registered), Some(LinkEvent::Acked(7))]), "{heard:?}");
        for expected in 1..=3 {
            let command = commands.recv().await;
            assert!(matches!(command, Some(LinkCommand::Jobs(n)) if n == expected), "{command:?}");
        }
    }

    #[tokio::test]
    async fn an_agent_that_is_gone_is_noticed() {
        let (agent, events) = mpsc::channel(1);
        let (commands_tx, commands) = mpsc::channel(1);
        drop((events, commands_tx));
        assert!(Commands::new(commands).tell(&agent, LinkEvent::Registered).await.is_err());
    }
}
