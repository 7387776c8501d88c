/// The queues of tenants that were isolated before queues were records of tenants: those that their profiles describe
/// (`cluster.md` 2.3, 4.4). What a profile describes wrongly is left to the next save of the profile, which says so.
enum IsolatedQueues {
    static let sql = """
        INSERT INTO queue (id, created_time, tenant_id, name, topic, poll_interval, partitions, consumer_per_partition,
            pack_processing_timeout, submit_strategy, processing_strategy, additional_info)
        SELECT gen_random_uuid(), (extract(epoch FROM now()) * 1000)::bigint, t.id, q->>'name', q->>'topic',
            (q->>'pollInterval')::numeric::int, (q->>'partitions')::numeric::int,
            coalesce(q->'consumerPerPartition' = 'true'::jsonb, false), (q->>'packProcessingTimeout')::numeric::bigint,
            (q->'submitStrategy')::text, (q->'processingStrategy')::text,
            CASE WHEN jsonb_typeof(q->'additionalInfo') = 'object' THEN (q->'additionalInfo')::text END
        FROM tenant t JOIN tenant_profile p ON p.id = t.tenant_profile_id
        CROSS JOIN LATERAL jsonb_array_elements(
            CASE WHEN jsonb_typeof(p.profile_data->'queueConfiguration') = 'array'
                THEN p.profile_data->'queueConfiguration' ELSE '[]'::jsonb END) q
        WHERE p.isolated_tb_rule_engine AND jsonb_typeof(q) = 'object'
            AND jsonb_typeof(q->'name') = 'string' AND length(q->>'name') BETWEEN 1 AND 150
            AND jsonb_typeof(q->'topic') = 'string' AND length(q->>'topic') BETWEEN 1 AND 150
            AND CASE WHEN jsonb_typeof(q->'pollInterval') = 'number'
                THEN (q->>'pollInterval')::numeric BETWEEN 1 AND 2147483647 END
            AND CASE WHEN jsonb_typeof(q->'partitions') = 'number'
                THEN (q->>'partitions')::numeric BETWEEN 1 AND 1000 END
            AND CASE WHEN jsonb_typeof(q->'packProcessingTimeout') = 'number'
                THEN (q->>'packProcessingTimeout')::numeric BETWEEN 1 AND 86400000 END
            AND jsonb_typeof(q->'submitStrategy') = 'object' AND length((q->'submitStrategy')::text) <= 255
            AND jsonb_typeof(q->'processingStrategy') = 'object' AND length((q->'processingStrategy')::text) <= 255
        ON CONFLICT DO NOTHING;
        """
}
