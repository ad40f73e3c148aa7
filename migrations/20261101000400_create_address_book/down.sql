DROP INDEX messages_heard;
DROP TABLE contact_import_chunks, contact_imports, contact_job_ids, contact_jobs, contact_group_remains,
    contact_group_members, contact_groups, tag_counts, contact_tags, contacts, address_books;
