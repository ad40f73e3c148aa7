//! The tables as diesel sees them. Follows the migrations; the store tests fail where it does not.

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        account_id -> Uuid,
        team_id -> Nullable<Uuid>,
        created_by -> Uuid,
        name -> Text,
        prefix -> Text,
        hash -> Bytea,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    api_usage (account_id, period, key_id) {
        account_id -> Uuid,
        period -> Int4,
        key_id -> Uuid,
        request_count -> Int8,
        last_request_at -> Timestamptz,
    }
}

diesel::table! {
    contact_groups (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        color -> Nullable<Text>,
        needle -> Text,
        contact_count -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    contact_import_chunks (import_id, no) {
        import_id -> Uuid,
        no -> Int4,
        rows -> Jsonb,
        errors -> Jsonb,
    }
}

diesel::table! {
    contact_imports (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        user_id -> Uuid,
        group_id -> Nullable<Uuid>,
        status -> Text,
        total_rows -> Int4,
        processed_rows -> Int4,
        imported -> Int4,
        updated -> Int4,
        skipped -> Int4,
        invalid -> Int4,
        tries -> Int4,
        error -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        completed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contact_jobs (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        operation -> Text,
        group_id -> Nullable<Uuid>,
        status -> Text,
        requested -> Int4,
        processed -> Int4,
        changed -> Int4,
        unchanged -> Int4,
        not_found -> Int4,
        tries -> Int4,
        error -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        completed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contacts (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        name -> Text,
        phone -> Int8,
        tags -> Array<Text>,
        meta -> Nullable<Jsonb>,
        name_key -> Text,
        needle -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    deliveries (endpoint_id, id) {
        endpoint_id -> Uuid,
        id -> Uuid,
        workspace_id -> Uuid,
        event_id -> Uuid,
        event -> Text,
        status -> Text,
        attempts -> Int4,
        spent -> Int4,
        response_status -> Nullable<Int4>,
        response_excerpt -> Nullable<Text>,
        error -> Nullable<Text>,
        next_attempt_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    delivery_queue (delivery_id) {
        delivery_id -> Uuid,
        endpoint_id -> Uuid,
        due_at -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    events (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        name -> Text,
        payload -> Json,
        request_id -> Nullable<Text>,
        at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (workspace_id, route, key_hash) {
        workspace_id -> Uuid,
        route -> Text,
        key_hash -> Bytea,
        request_hash -> Bytea,
        status -> Int2,
        body -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> Uuid,
        email -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    inbox (id) {
        id -> Uuid,
        instance_id -> Uuid,
        key_id -> Nullable<Text>,
        rank -> Nullable<Int2>,
        event -> Nullable<Text>,
        data -> Nullable<Jsonb>,
        received_at -> Timestamptz,
        due_at -> Timestamptz,
        tries -> Int4,
    }
}

diesel::table! {
    instances (id) {
        id -> Uuid,
        account_id -> Uuid,
        name -> Text,
        session -> Text,
        webhook_secret -> Text,
        wa_number -> Nullable<Int8>,
        status -> Text,
        native_buttons -> Bool,
        is_business -> Nullable<Bool>,
        meta -> Nullable<Jsonb>,
        first_connected_at -> Nullable<Timestamptz>,
        connecting_since -> Nullable<Timestamptz>,
        reconnecting_since -> Nullable<Timestamptz>,
        expected_number -> Nullable<Int8>,
        unlink_since -> Nullable<Timestamptz>,
        restricted_until -> Nullable<Timestamptz>,
        restrictions -> Int4,
        errors_in_row -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        session_due -> Nullable<Timestamptz>,
        takes_any_number -> Bool,
        suspended_for -> Nullable<Text>,
    }
}

diesel::table! {
    lanes (instance_id) {
        instance_id -> Uuid,
        owner -> Nullable<Uuid>,
        epoch -> Int8,
        down_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    known_addresses (instance_id, address) {
        instance_id -> Uuid,
        address -> Text,
        phone -> Int8,
    }
}

diesel::table! {
    lost_calls (instance_id, phone, message_id) {
        instance_id -> Uuid,
        phone -> Int8,
        message_id -> Uuid,
        workspace_id -> Uuid,
        started_at -> Timestamptz,
    }
}

diesel::table! {
    mail_requests (id) {
        id -> Uuid,
        kind -> Text,
        email -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    mails (id) {
        id -> Uuid,
        user_id -> Nullable<Uuid>,
        recipient -> Text,
        kind -> Text,
        subject -> Text,
        text -> Text,
        html -> Text,
        created_at -> Timestamptz,
        give_up_at -> Timestamptz,
        next_try_at -> Nullable<Timestamptz>,
        tries -> Int4,
        sent_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    media (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        created_by -> Uuid,
        mime_type -> Text,
        size_bytes -> Int8,
        original_name -> Text,
        token_hash -> Bytea,
        is_stored -> Bool,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    media_keys (is_the_one) {
        is_the_one -> Bool,
        key -> Bytea,
    }
}

diesel::table! {
    messages (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        team_id -> Nullable<Uuid>,
        acting_user_id -> Uuid,
        instance_id -> Uuid,
        contact_id -> Nullable<Uuid>,
        campaign_id -> Nullable<Uuid>,
        inbound -> Bool,
        kind -> Text,
        peer -> Nullable<Int8>,
        own_number -> Nullable<Int8>,
        body -> Nullable<Text>,
        media_url -> Nullable<Text>,
        status -> Int2,
        charged_period -> Nullable<Int4>,
        error -> Nullable<Text>,
        meta -> Jsonb,
        provider_message_id -> Nullable<Text>,
        scheduled_at -> Nullable<Timestamptz>,
        request_id -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    notices (id) {
        id -> Uuid,
        account_id -> Uuid,
        workspace_id -> Uuid,
        kind -> Text,
        subject -> Text,
        data -> Jsonb,
        at -> Timestamptz,
        read_at -> Nullable<Timestamptz>,
        mail_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    number_lookups (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        user_id -> Uuid,
        instance_id -> Uuid,
        status -> Text,
        requested -> Int4,
        processed -> Int4,
        error -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        completed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    one_time_tokens (hash) {
        hash -> Bytea,
        user_id -> Uuid,
        purpose -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        replaced_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    outbox (event_id) {
        event_id -> Uuid,
        workspace_id -> Uuid,
    }
}

diesel::table! {
    payments (id) {
        id -> Uuid,
        account_id -> Uuid,
        provider -> Text,
        plan_code -> Text,
        plan_name -> Text,
        amount -> Int8,
        currency -> Text,
        status -> Text,
        period_start -> Nullable<Timestamptz>,
        period_end -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        reference -> Nullable<Text>,
    }
}

diesel::table! {
    plans (id) {
        id -> Uuid,
        code -> Text,
        version -> Int4,
        name -> Text,
        price -> Int4,
        currency -> Text,
        is_active -> Bool,
        rank -> Int4,
        max_instances -> Nullable<Int4>,
        max_api_keys -> Nullable<Int4>,
        max_webhook_endpoints -> Nullable<Int4>,
        max_contact_groups -> Nullable<Int4>,
        max_teams -> Nullable<Int4>,
        max_seats_per_team -> Nullable<Int4>,
        monthly_outbound_quota -> Nullable<Int4>,
        monthly_api_request_quota -> Nullable<Int4>,
        feature_campaigns -> Bool,
        feature_statuses -> Bool,
        feature_voice_notes -> Bool,
        feature_webhooks -> Bool,
        feature_number_lookups -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    provider_refs (instance_id, key_id) {
        instance_id -> Uuid,
        key_id -> Text,
        workspace_id -> Uuid,
        message_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    queue (instance_id, message_id) {
        instance_id -> Uuid,
        message_id -> Uuid,
        workspace_id -> Uuid,
        account_id -> Uuid,
        phone -> Int8,
        class -> Int2,
        state -> Int2,
        due_at -> Timestamptz,
        not_before -> Timestamptz,
        ready_since -> Nullable<Timestamptz>,
        period -> Nullable<Int4>,
        attempt -> Int4,
        misses -> Int4,
        owner -> Nullable<Uuid>,
        started_at -> Nullable<Timestamptz>,
        lease_until -> Nullable<Timestamptz>,
        look_at -> Nullable<Timestamptz>,
        looks -> Int4,
        has_left -> Bool,
        resent -> Bool,
        ignores_suppression -> Bool,
        campaign_id -> Nullable<Uuid>,
        until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        revoked_for -> Nullable<Text>,
    }
}

diesel::table! {
    sign_in_starts (hash) {
        hash -> Bytea,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_tries (key) {
        key -> Bytea,
        tries -> Array<Timestamptz>,
        last_try -> Uuid,
        forget_at -> Timestamptz,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Uuid,
        private_key -> Bytea,
        created_at -> Timestamptz,
        verifies_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    statuses (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        acting_user_id -> Uuid,
        instance_id -> Uuid,
        kind -> Text,
        content -> Text,
        caption -> Nullable<Text>,
        background_color -> Nullable<Text>,
        state -> Text,
        error -> Nullable<Text>,
        code -> Nullable<Text>,
        provider_message_id -> Nullable<Text>,
        period -> Int4,
        replay_key -> Nullable<Bytea>,
        replay_request -> Nullable<Bytea>,
        request_id -> Nullable<Text>,
        waited_since -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        look_at -> Nullable<Timestamptz>,
        looks -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    subscriptions (id) {
        id -> Uuid,
        account_id -> Uuid,
        plan_id -> Uuid,
        status -> Text,
        provider -> Text,
        period_start -> Timestamptz,
        period_end -> Nullable<Timestamptz>,
        cancel_at_period_end -> Bool,
        scheduled_plan -> Nullable<Text>,
        scheduled_at -> Nullable<Timestamptz>,
        scheduled_action -> Nullable<Text>,
        past_due_since -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        due_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    team_instance_assignments (team_id, user_id, instance_id) {
        team_id -> Uuid,
        user_id -> Uuid,
        instance_id -> Uuid,
        assigned_by -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    teams (id) {
        id -> Uuid,
        owner_id -> Uuid,
        name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    templates (workspace_id, id) {
        workspace_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        created_by -> Uuid,
        name -> Text,
        kind -> Text,
        body -> Nullable<Text>,
        media_url -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    usage_holds (account_id, period) {
        account_id -> Uuid,
        period -> Int4,
        reserved_total -> Int8,
    }
}

diesel::table! {
    usage_settled (account_id, period) {
        account_id -> Uuid,
        period -> Int4,
        messages -> Int8,
        statuses -> Int8,
        released -> Int8,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        full_name -> Text,
        display_name -> Nullable<Text>,
        phone -> Text,
        avatar_url -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        email_verified_at -> Nullable<Timestamptz>,
        suspended_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    webhook_health (endpoint_id) {
        endpoint_id -> Uuid,
        failures -> Int4,
        failing_since -> Nullable<Timestamptz>,
        paused_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_endpoints (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        account_id -> Uuid,
        created_by -> Uuid,
        url -> Text,
        secret -> Text,
        events -> Array<Text>,
        active -> Bool,
        disabled_reason -> Nullable<Text>,
        previous_secret -> Nullable<Text>,
        previous_secret_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        disabled_by_plan -> Bool,
    }
}

diesel::joinable!(api_keys -> teams (team_id));
diesel::joinable!(api_keys -> users (account_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(subscriptions -> plans (plan_id));

diesel::allow_tables_to_appear_in_same_query!(
    api_keys,
    api_usage,
    contact_groups,
    contact_import_chunks,
    contact_imports,
    contact_jobs,
    contacts,
    deliveries,
    delivery_queue,
    events,
    idempotency_keys,
    identities,
    inbox,
    instances,
    known_addresses,
    lanes,
    lost_calls,
    mail_requests,
    mails,
    media,
    media_keys,
    messages,
    notices,
    number_lookups,
    one_time_tokens,
    outbox,
    payments,
    plans,
    provider_refs,
    queue,
    sessions,
    sign_in_starts,
    sign_in_tries,
    signing_keys,
    statuses,
    subscriptions,
    team_instance_assignments,
    teams,
    templates,
    usage_holds,
    usage_settled,
    users,
    webhook_endpoints,
    webhook_health,
);
