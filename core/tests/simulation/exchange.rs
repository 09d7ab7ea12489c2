//! Requests over the link, which may fail at any point.

use serde_json::Value;
use sms_gateway_core::{
    TaskId,
    call::{
        Call, IncomingSms, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, SendSms,
        SmsResult, StatusReport, StopSms,
    },
    json::{Field, Text},
    track::{ReportOutcome, Token},
};

use crate::{
    civil,
    config::SECOND,
    device::{IncomingRow, ReportRow, ResultRow, Wanted},
    life::{End, Life},
    link::Exchange,
    numbers::Numbers,
    oracle::Failure,
};

/// The part of a response that reaches the client.
struct Response<T> {
    rows: Vec<T>,
    is_whole: bool,
}

impl Life<'_, '_> {
    /// Sends the request. Returns `None` if it was not sent.
    fn send_request(&mut self) -> Result<Option<Exchange>, End> {
        let exchange = self.world.link.draw(self.world.device.is_up());
        self.world.oracle.write_all(|| format!("exchange: {exchange:?}"));
        let latency = self.world.link.latency();
        self.world.pass(latency);
        if exchange == Exchange::NotSent {
            self.world.oracle.figures.not_sent += 1;
            return Ok(None);
        }
        self.may_reset()?;
        Ok(Some(exchange))
    }

    /// Waits for the response, or for the timeout.
    fn await_response(&mut self, exchange: Exchange) -> Result<(), End> {
        let wait = match exchange {
            Exchange::RequestLost | Exchange::ResponseLost => 10 * SECOND,
            _ => self.world.link.latency(),
        };
        self.world.pass(wait);
        self.may_reset()
    }

    fn lost<C>(&mut self, token: Token<C>) {
        self.world.oracle.figures.lost += 1;
        if self.world.link.toss() {
            drop(token);
        } else {
            let now = self.now();
            self.tracker.handle_lost(token, now);
        }
    }

    /// Sends a query. Returns `None` if it was not sent.
    fn query<T>(&mut self, response: impl FnOnce(&mut Self) -> Vec<T>) -> Result<Option<Response<T>>, End> {
        let Some(exchange) = self.send_request()? else { return Ok(None) };
        let mut rows = match exchange {
            Exchange::Whole | Exchange::Cut(_) => response(self),
            _ => Vec::new(),
        };
        if let Exchange::Cut(share) = exchange {
            self.world.oracle.figures.cut += 1;
            rows.truncate(rows.len() * usize::from(share) / 256);
        }
        self.await_response(exchange)?;
        Ok(Some(Response { rows, is_whole: exchange == Exchange::Whole }))
    }

    fn finish<C: Call>(&mut self, token: Token<C>, is_whole: bool) -> Result<(), End> {
        self.may_reset()?;
        if is_whole {
            let now = self.now();
            self.tracker.handle_end(token, now);
        } else {
            self.lost(token);
        }
        Ok(())
    }

    pub(crate) fn submit(&mut self, token: Token<SendSms<'static>>) -> Result<(), End> {
        let (ports, report, wanted) = self.submission(&token)?;
        if let Ok(Some(submission)) = self.tracker.submission(&token) {
            self.world.transcript.submission(submission);
        }
        for owner in wanted.iter().filter_map(|wanted| wanted.owner) {
            self.world.oracle.asked(owner);
        }
        let Some(mut exchange) = self.send_request()? else {
            let now = self.now();
            self.tracker.handle_not_sent(token, now);
            return Ok(());
        };
        let code = self.refusal(exchange, &wanted);
        if code.is_some() {
            exchange = Exchange::Refused;
        }
        for wanted in &wanted {
            let (Some(owner), Some(id)) = (wanted.owner, wanted.user_id) else { continue };
            let again = self.world.oracle.truth(owner).submitted > 0;
            let is_known = again && self.world.device.knows(owner, id);
            self.world.oracle.submitted(owner, is_known)?;
        }
        // In rare cases, a gateway accepts the messages and still responds with an error.
        let arrives = match code {
            Some(code) => code == 500 && self.world.link.toss(),
            None => exchange != Exchange::RequestLost,
        };
        let task = arrives.then(|| self.world.device.send_sms(ports, report, &wanted));
        self.world.update_oracle();
        self.may_reset()?;
        self.await_response(exchange)?;
        let now = self.now();
        match (exchange, task) {
            (Exchange::Whole, Some(task)) => {
                let task = if self.world.link.toss() { None } else { Some(TaskId::new(task)) };
                self.tracker.handle_accepted(token, task, now);
            }
            (Exchange::Refused, task) => {
                let code = code.unwrap_or(400);
                for owner in wanted.iter().filter_map(|wanted| wanted.owner) {
                    self.world.oracle.refused(owner, code, task.is_some());
                }
                self.world.oracle.figures.refused += 1;
                match code {
                    500 => self.tracker.handle_unclear(token, now),
                    _ => self.tracker.handle_refused(token, code, now),
                }
            }
            _ => self.lost(token),
        }
        Ok(())
    }

    /// Returns the error_code with which the gateway refuses a submission that arrives. A gateway that refuses at all has no port for
    /// 30 s every 10 min, and always refuses some messages. Half of these gateways refuse requests with more than 10 messages.
    fn refusal(&mut self, exchange: Exchange, wanted: &[Wanted]) -> Option<u32> {
        let refuses = self.world.config.link.refused > 0;
        let is_bad = |wanted: &Wanted| wanted.owner.is_some_and(|owner| owner % 64 == 9);
        match exchange {
            Exchange::Refused => Some(self.world.link.code()),
            Exchange::Whole if refuses && self.world.now % 600_000 < 30_000 => Some(550),
            Exchange::Whole if refuses && wanted.iter().any(is_bad) => Some(400),
            Exchange::Whole if refuses && wanted.len() > 10 && self.world.config.seed.is_multiple_of(2) => {
                Some(413)
            }
            _ => None,
        }
    }

    /// Returns the request as the gateway receives it.
    fn submission(&self, token: &Token<SendSms<'static>>) -> Result<(u32, bool, Vec<Wanted>), End> {
        let Ok(Some(submission)) = self.tracker.submission(token) else {
            return Err(broken("no submission, although all changes are saved"));
        };
        let ports = submission.ports.iter().fold(0, |set, port| set | 1 << port.get());
        let report = submission.status_report;
        let mut wanted = Vec::new();
        for outgoing in submission {
            let owner = self.world.oracle.find(outgoing.id)?;
            let requested = self.world.oracle.truth(owner).requested;
            let as_requested = outgoing.number().as_str() == self.world.numbers.text(requested.number)
                && requested.ports == ports
                && requested.report == report;
            crate::oracle::demand(as_requested, owner, "submitted differently from the caller's request")?;
            let user_id = Some(outgoing.id.get());
            wanted.push(Wanted {
                owner: Some(owner),
                user_id,
                number: requested.number,
                segments: requested.segments,
            });
        }
        let most = self.world.config.settings.limits.recipients;
        if wanted.is_empty() || wanted.len() > usize::from(most) {
            return Err(broken(format!("{} messages in a request", wanted.len())));
        }
        Ok((ports, report, wanted))
    }

    pub(crate) fn query_results(&mut self, token: Token<QuerySmsResult<'static>>) -> Result<(), End> {
        let request = self.tracker.results_request(&token).expect("the token is fresh");
        self.world.transcript.request(&request);
        let request = json(&request);
        let Some(response) = self.query(|life| life.world.device.query_results(&request))? else {
            return self.not_sent(token);
        };
        let now = self.now();
        for row in &response.rows {
            self.world.oracle.show_result(row);
            let number = self.world.result_number(row);
            let result = result(row, &number);
            self.tracker.handle_result(&token, &result, now);
        }
        self.finish(token, response.is_whole)
    }

    pub(crate) fn query_reports(&mut self, token: Token<QuerySmsDeliverStatus<'static>>) -> Result<(), End> {
        let request = self.tracker.reports_request(&token).expect("the token is fresh");
        self.world.transcript.request(&request);
        let request = json(&request);
        let Some(response) = self.query(|life| life.world.device.query_reports(&request))? else {
            return self.not_sent(token);
        };
        let now = self.now();
        for row in &response.rows {
            self.world.oracle.show_report(row);
            let report = report(row, &self.world.numbers);
            match self.tracker.handle_report(&token, &report, now) {
                ReportOutcome::Accepted => {}
                ReportOutcome::Evicted(report) => {
                    self.world.transcript.evicted(&report);
                    self.world.oracle.receive_report(&report, false)?;
                }
                ReportOutcome::Unreadable => return Err(broken(format!("can't be read: {report:?}"))),
            }
        }
        self.finish(token, response.is_whole)
    }

    pub(crate) fn query_queue(&mut self, token: Token<QuerySmsInQueue>) -> Result<(), End> {
        let Some(response) = self.query(|life| vec![life.world.device.in_queue()])? else {
            return self.not_sent(token);
        };
        let now = self.now();
        match response.rows.first() {
            Some(count) if response.is_whole => self.tracker.handle_queue(token, Some(*count), now),
            _ => self.lost(token),
        }
        Ok(())
    }

    pub(crate) fn query_incoming(&mut self, token: Token<QueryIncomingSms>) -> Result<(), End> {
        let request = self.tracker.incoming_request(&token).expect("the token is fresh");
        self.world.transcript.request(&request);
        let request = json(&request);
        let Some(response) = self.query(|life| life.world.device.query_incoming(&request))? else {
            return self.not_sent(token);
        };
        let now = self.now();
        for row in &response.rows {
            let text = row.serial.to_string();
            let mark = self.tracker.handle_incoming(&token, &incoming(row, &text), now);
            self.world.transcript.incoming(mark.is_some());
            if let Some(mark) = mark {
                self.world.inbox_check.receive(row.serial)?;
                if self.world.caller.chance(2) {
                    self.tracker.acknowledge_incoming(mark);
                }
            }
        }
        self.finish(token, response.is_whole)
    }

    pub(crate) fn send_stop(&mut self, token: Token<StopSms>) -> Result<(), End> {
        let request = self.tracker.stop_request(&token).expect("the token is fresh");
        self.world.transcript.request(&request);
        let request = json(&request);
        let task = request["task_id"].as_i64().unwrap();
        let Some(exchange) = self.send_request()? else { return self.not_sent(token) };
        let arrives = !matches!(exchange, Exchange::RequestLost | Exchange::Refused);
        let found = arrives && self.world.device.stop_sms(task);
        self.world.update_oracle();
        self.await_response(exchange)?;
        let now = self.now();
        if exchange == Exchange::Whole {
            self.tracker.handle_stopped(token, found, now);
        } else {
            self.lost(token);
        }
        Ok(())
    }

    fn not_sent<C>(&mut self, token: Token<C>) -> Result<(), End> {
        let now = self.now();
        self.tracker.handle_not_sent(token, now);
        Ok(())
    }
}

fn broken(what: impl Into<String>) -> End {
    End::Broken(Failure { message: None, what: what.into() })
}

fn json(request: &impl serde::Serialize) -> Value {
    serde_json::to_value(request).unwrap()
}

fn result<'a>(row: &ResultRow, number: &'a str) -> SmsResult<'a> {
    SmsResult {
        port: Field::Known(row.port.into()),
        user_id: row.user_id.map_or(Field::Missing, |id| Field::Known(id.into())),
        number: Text::Exact(number),
        time: Field::Known(civil::timestamp(row.time)),
        status: Field::Known(row.status),
        count: Field::Known(row.count.into()),
        succ_count: Field::Known(row.succeeded.into()),
        ref_id: Field::Known(row.reference.into()),
        imsi: Text::Missing,
    }
}

fn report<'a>(row: &ReportRow, numbers: &'a Numbers) -> StatusReport<'a> {
    StatusReport {
        port: Field::Known(row.port.into()),
        number: Text::Exact(numbers.text(row.number)),
        time: Field::Known(civil::timestamp(row.time)),
        ref_id: Field::Known(row.reference.into()),
        status_code: Field::Known(row.status.into()),
        imsi: Text::Missing,
    }
}

fn incoming<'a>(row: &IncomingRow, text: &'a str) -> IncomingSms<'a> {
    IncomingSms {
        incoming_sms_id: Field::Known(row.id),
        port: Field::Known(row.port.into()),
        number: Text::Exact("13800138000"),
        smsc: Text::Missing,
        timestamp: Field::Known(civil::timestamp(row.time)),
        text: Text::Exact(text),
        imsi: Text::Missing,
    }
}
