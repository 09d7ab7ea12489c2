//! Recipients who opt out and in.

use super::{
    super::super::{AccountId, Keyword, Storage},
    Model,
};

impl Model {
    pub(super) async fn keyword(
        &mut self,
        storage: &dyn Storage,
        account: AccountId,
        number: &str,
        keyword: Keyword,
    ) {
        let (key, now) = ((account, number.to_owned()), self.now());
        let is_new = storage.set_opt_out(account, number.into(), keyword, now).await.unwrap();
        let known = self.opt_outs.contains_key(&key);
        assert_eq!(is_new, known == (keyword == Keyword::Start));
        match keyword {
            Keyword::Stop => drop(self.opt_outs.entry(key).or_insert(now)),
            Keyword::Start => drop(self.opt_outs.remove(&key)),
        }
    }

    pub(super) async fn compare_opt_outs(&self, storage: &dyn Storage) {
        for account in [AccountId(0), AccountId(1)] {
            let known = self.opt_outs.iter().filter(|((of, _), _)| *of == account);
            let known: Vec<_> = known.map(|((_, number), since)| (number.as_str().into(), *since)).collect();
            assert_eq!(storage.opt_outs(account, None, 9).await.unwrap(), known);
            let after = known.first().map(|(number, _): &(Box<str>, _)| number.clone());
            let page = storage.opt_outs(account, after, 1).await.unwrap();
            assert_eq!(page.first(), known.get(1));
            for number in ["0", "1"] {
                let since = self.opt_outs.get(&(account, number.to_owned())).copied();
                assert_eq!(storage.opt_out(account, number.into()).await.unwrap(), since);
            }
        }
    }
}
