//! Messages that are held and released.

use super::{
    super::super::{AccountId, HistoryEntry, MessageId, Place, Redb, State, Storage},
    Model,
};

impl Model {
    pub(super) fn hold(&mut self, storage: &Redb) {
        let queued = self.messages.values_mut().filter(|known| known.place == Place::Queued);
        let mut count = 0;
        for known in queued {
            known.place = Place::Held;
            known.states.push(State::Held);
            count += 1;
        }
        assert_eq!(storage.hold_all(&HistoryEntry::new(self.now(), State::Held)).unwrap(), count);
    }

    pub(super) async fn release(&mut self, storage: &dyn Storage, message: usize) {
        let Some(id) = self.pick(message) else { return };
        let released = storage.release(vec![id], self.now()).await.unwrap();
        let known = self.messages.get_mut(&id).unwrap();
        let is_held = known.place == Place::Held;
        assert_eq!(released, if is_held { vec![(id, known.lane)] } else { vec![] });
        if is_held {
            known.place = Place::Queued;
            known.states.push(State::Queued);
        }
    }

    pub(super) async fn compare_held(&self, storage: &dyn Storage) {
        for account in [None, Some(AccountId(0)), Some(AccountId(1))] {
            let held = self.messages.iter().filter(|(_, known)| known.place == Place::Held);
            let held = held.filter(|(_, known)| account.is_none_or(|account| account == known.account));
            let ids: Vec<MessageId> = held.map(|(id, _)| *id).collect();
            let listed = storage.held(account, None, usize::MAX).await.unwrap();
            assert_eq!(listed.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
            let page = storage.held(account, ids.first().copied(), 1).await.unwrap();
            assert_eq!(page.first().map(|(id, _)| *id), ids.get(1).copied());
        }
    }
}
