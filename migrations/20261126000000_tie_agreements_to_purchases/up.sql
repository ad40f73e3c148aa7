-- What is paid must be what was begun here: whatever else a payer names, the product of the purchase counts.
ALTER TABLE billing_checkouts ADD COLUMN product text;

-- Whether a purchase that was begun here was paid with it. One that was never is kept all the same: its
-- provider has to be told to end it, or told that it is over before it told that it was paid.
ALTER TABLE billing_agreements ADD COLUMN has_begun boolean NOT NULL DEFAULT true;

-- Money that went back before anybody told that it came.
CREATE TABLE billing_refunds (
    provider text NOT NULL,
    reference text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (provider, reference)
);
CREATE INDEX billing_refunds_age ON billing_refunds (noted_at);

-- Whose something is nobody guesses by the name of the payer any more.
DROP INDEX billing_agreements_customer;
