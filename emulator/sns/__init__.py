"""SNS e-mail: confirmed subscriptions, real mails through a real SMTP server, and the mailbox that keeps them."""
