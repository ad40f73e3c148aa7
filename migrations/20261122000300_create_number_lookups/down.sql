DROP TABLE number_lookup_turns, number_lookup_parts, number_lookups, number_checks;
