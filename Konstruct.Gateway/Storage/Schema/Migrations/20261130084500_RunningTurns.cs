using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Konstruct.Gateway.Storage.Schema.Migrations
{
    /// <inheritdoc />
    [DbContext(typeof(ChatDbContext))]
    [Migration("20261130084500_RunningTurns")]
    internal sealed partial class RunningTurns : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(Sql.Embedded.OfMigration("20261130084500_web-turns.sql"));
            migrationBuilder.Sql(Sql.Embedded.OfMigration("20261130084500_running-turns.sql"));
            migrationBuilder.Sql(Sql.Embedded.OfMigration("20261130084500_turns.sql"));
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // Rows of the original gateway have no turn. With them, the NOT NULL below fails and nothing is changed.
            migrationBuilder.Sql(
                """
                LOCK TABLE web_conversations, web_conversation_messages, web_turns IN ACCESS EXCLUSIVE MODE;
                DROP FUNCTION pending_turns(interval, uuid, uuid, integer);
                DROP INDEX ix_messages_answers;
                ALTER TABLE web_conversation_messages
                    ALTER COLUMN turn_id SET NOT NULL,
                    ALTER COLUMN status DROP DEFAULT,
                    ALTER COLUMN attempt DROP DEFAULT,
                    ADD COLUMN task text,
                    DROP CONSTRAINT ck_messages_status,
                    ADD CONSTRAINT ck_messages_status CHECK (status IN ('pending', 'completed', 'cancelled', 'failed'));
                ALTER TABLE web_conversation_messages NO FORCE ROW LEVEL SECURITY;
                ALTER TABLE web_turns NO FORCE ROW LEVEL SECURITY;
                INSERT INTO web_conversation_messages (tenant_id, id, conversation_id, role, content, created_at, turn_id, status, attempt, task)
                    SELECT tenant_id, answer_id, conversation_id, 'assistant', '', created_at, turn_id, 'pending', attempt, task FROM web_turns;
                ALTER TABLE web_conversation_messages FORCE ROW LEVEL SECURITY;
                DROP TABLE web_turns;
                CREATE POLICY sweep ON web_conversation_messages FOR SELECT TO konstruct_sweeper USING (status = 'pending');
                CREATE UNIQUE INDEX "IX_web_conversation_messages_turn_id_tenant_id_role" ON web_conversation_messages (turn_id, tenant_id, role);
                CREATE INDEX ix_messages_pending ON web_conversation_messages (created_at, turn_id) WHERE status = 'pending' AND role = 'assistant';
                CREATE INDEX ix_messages_pending_of_conversation ON web_conversation_messages (conversation_id, tenant_id) WHERE status = 'pending';
                """);
            migrationBuilder.Sql(Sql.Embedded.OfMigration("20261127151813_turns.sql"));
        }
    }
}
