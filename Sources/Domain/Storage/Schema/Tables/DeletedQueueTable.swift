/// Queues that were deleted, until nothing is in them any more.
enum DeletedQueueTable {
    static let sql = """
        CREATE TABLE deleted_queue (LIKE queue INCLUDING CONSTRAINTS INCLUDING DEFAULTS, PRIMARY KEY (id));
        ALTER TABLE deleted_queue ADD COLUMN deleted_time bigint NOT NULL;
        """
}
