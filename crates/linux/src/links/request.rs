//! One request to the kernel and its answer.

use std::io;

use futures::StreamExt;
use netlink_packet_route::RouteNetlinkMessage;
use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};

use super::Links;

/// A list that changes while the kernel writes it down is asked for again, this often.
const DUMP_ATTEMPTS: usize = 16;

impl Links {
    /// Sends a change and waits until the kernel has made it.
    pub(super) async fn change(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        let mut answers = self.send(request)?;
        while let Some(answer) = answers.next().await {
            refuse_error(&answer)?;
        }
        Ok(())
    }

    /// Asks for one object.
    pub(super) async fn get(
        &self,
        message: RouteNetlinkMessage,
    ) -> io::Result<Option<RouteNetlinkMessage>> {
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST;
        let mut answers = self.send(request)?;
        let mut found = None;
        while let Some(answer) = answers.next().await {
            refuse_error(&answer)?;
            if let NetlinkPayload::InnerMessage(message) = answer.payload {
                found = Some(message);
            }
        }
        Ok(found)
    }

    /// Asks for all objects of a kind.
    pub(super) async fn dump(
        &self,
        message: RouteNetlinkMessage,
    ) -> io::Result<Vec<RouteNetlinkMessage>> {
        for _ in 0..DUMP_ATTEMPTS {
            let mut request = NetlinkMessage::from(message.clone());
            request.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
            let mut answers = self.send(request)?;
            let mut messages = Vec::new();
            let mut interrupted = false;
            while let Some(answer) = answers.next().await {
                refuse_error(&answer)?;
                interrupted |= answer.header.flags & NLM_F_DUMP_INTR != 0;
                if let NetlinkPayload::InnerMessage(message) = answer.payload {
                    messages.push(message);
                }
            }
            if !interrupted {
                return Ok(messages);
            }
        }
        Err(io::Error::new(io::ErrorKind::Interrupted, "the list changes faster than it is read"))
    }

    fn send(
        &self,
        request: NetlinkMessage<RouteNetlinkMessage>,
    ) -> io::Result<impl StreamExt<Item = NetlinkMessage<RouteNetlinkMessage>> + use<> + Unpin>
    {
        let closed = |_| io::Error::new(io::ErrorKind::NotConnected, "the namespace is closed");
        let answers = self.handle.clone().request(request).map_err(closed)?;
        Ok(Box::pin(answers))
    }
}

fn refuse_error(answer: &NetlinkMessage<RouteNetlinkMessage>) -> io::Result<()> {
    match &answer.payload {
        // No code is an acknowledgement.
        NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
        NetlinkPayload::Overrun(_) => Err(io::Error::other("the netlink socket overflowed")),
        _ => Ok(()),
    }
}
