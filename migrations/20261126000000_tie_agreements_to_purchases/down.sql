CREATE INDEX billing_agreements_customer ON billing_agreements (provider, customer)
    WHERE customer IS NOT NULL;
DROP TABLE billing_refunds;
ALTER TABLE billing_agreements DROP COLUMN has_begun;
ALTER TABLE billing_checkouts DROP COLUMN product;
