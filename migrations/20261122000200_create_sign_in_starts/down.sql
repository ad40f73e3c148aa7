DROP TABLE sign_in_starts;
