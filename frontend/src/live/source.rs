//! An `EventSource` that closes when it is dropped.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource, MessageEvent};

/// An open stream of server-sent events.
pub struct Source {
    stream: EventSource,
    // Listeners must live as long as the browser may call them.
    messages: Vec<Closure<dyn Fn(MessageEvent)>>,
    states: Vec<Closure<dyn Fn(Event)>>,
}

/// How a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// Connected.
    Open,
    /// Lost; the browser tries again by itself.
    Retrying,
    /// Refused; the browser does not try again.
    Closed,
}

impl Source {
    /// Opens a stream; nothing when the browser cannot.
    pub fn open(address: &str) -> Option<Self> {
        let stream = EventSource::new(address).ok()?;
        Some(Self { stream, messages: Vec::new(), states: Vec::new() })
    }

    /// Calls `handle` with the data of every event of this name.
    pub fn on(&mut self, name: &str, handle: impl Fn(String) + 'static) {
        let closure = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            handle(event.data().as_string().unwrap_or_default());
        });
        if self.stream.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref()).is_ok() {
            self.messages.push(closure);
        }
    }

    /// Calls `handle` when the stream opens, is lost or is refused.
    pub fn on_state(&mut self, handle: impl Fn(SourceState) + Clone + 'static) {
        let opened = handle.clone();
        let open = Closure::<dyn Fn(Event)>::new(move |_| opened(SourceState::Open));
        self.stream.set_onopen(Some(open.as_ref().unchecked_ref()));
        let stream = self.stream.clone();
        let error = Closure::<dyn Fn(Event)>::new(move |_| {
            handle(if stream.ready_state() == EventSource::CLOSED {
                SourceState::Closed
            } else {
                SourceState::Retrying
            });
        });
        self.stream.set_onerror(Some(error.as_ref().unchecked_ref()));
        self.states.extend([open, error]);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stream.set_onopen(None);
        self.stream.set_onerror(None);
        self.stream.close();
    }
}
