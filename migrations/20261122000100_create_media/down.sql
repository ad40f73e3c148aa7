DROP TABLE media_keys, media;
