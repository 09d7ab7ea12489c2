"""Verifies the signatures of events by the library of Standard Webhooks, which must reject changed events.

Standard input: {"secret": "whsec_…", "events": [{"headers": {…}, "body": "…"}]}
"""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

given = json.load(sys.stdin)
webhook = Webhook(given["secret"])
rejected = 0


def must_reject(body, headers):
    global rejected
    try:
        webhook.verify(body, headers)
    except WebhookVerificationError:
        rejected += 1
    else:
        sys.exit("a changed event was verified")


for event in given["events"]:
    headers, body = event["headers"], event["body"]
    webhook.verify(body, headers)
    must_reject(body + " ", headers)
    must_reject(body, {**headers, "webhook-id": headers["webhook-id"] + "x"})
    timestamp = str(int(headers["webhook-timestamp"]) + 1)
    must_reject(body, {**headers, "webhook-timestamp": timestamp})

print(f"{len(given['events'])} verified, {rejected} changed ones rejected")
