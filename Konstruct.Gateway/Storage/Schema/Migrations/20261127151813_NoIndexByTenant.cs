using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Konstruct.Gateway.Storage.Schema.Migrations
{
    /// <inheritdoc />
    internal sealed partial class NoIndexByTenant : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // Their plans are to choose among the indexes below. The signatures and what they answer are those of before.
            migrationBuilder.Sql(Sql.Embedded.OfMigration("20261127151813_turns.sql"));

            migrationBuilder.DropIndex(
                name: "IX_web_conversations_tenant_id_user_id_updated_at_id",
                table: "web_conversations");

            migrationBuilder.DropPrimaryKey(
                name: "PK_web_conversation_messages",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "IX_web_conversation_messages_tenant_id_conversation_id_client_~",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "IX_web_conversation_messages_tenant_id_conversation_id_created~",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "IX_web_conversation_messages_tenant_id_turn_id_role",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "ix_messages_pending",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "ix_messages_pending_of_conversation",
                table: "web_conversation_messages");

            migrationBuilder.AddPrimaryKey(
                name: "PK_web_conversation_messages",
                table: "web_conversation_messages",
                columns: new[] { "id", "tenant_id" });

            migrationBuilder.CreateIndex(
                name: "IX_web_conversations_user_id_tenant_id_updated_at_id",
                table: "web_conversations",
                columns: new[] { "user_id", "tenant_id", "updated_at", "id" });

            migrationBuilder.CreateIndex(
                name: "IX_web_conversation_messages_conversation_id_tenant_id_client_~",
                table: "web_conversation_messages",
                columns: new[] { "conversation_id", "tenant_id", "client_message_id" },
                unique: true,
                filter: "client_message_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_web_conversation_messages_conversation_id_tenant_id_created~",
                table: "web_conversation_messages",
                columns: new[] { "conversation_id", "tenant_id", "created_at", "id" });

            migrationBuilder.CreateIndex(
                name: "IX_web_conversation_messages_turn_id_tenant_id_role",
                table: "web_conversation_messages",
                columns: new[] { "turn_id", "tenant_id", "role" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_messages_pending",
                table: "web_conversation_messages",
                columns: new[] { "created_at", "turn_id" },
                filter: "status = 'pending' AND role = 'assistant'");

            migrationBuilder.CreateIndex(
                name: "ix_messages_pending_of_conversation",
                table: "web_conversation_messages",
                columns: new[] { "conversation_id", "tenant_id" },
                filter: "status = 'pending'");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_web_conversations_user_id_tenant_id_updated_at_id",
                table: "web_conversations");

            migrationBuilder.DropPrimaryKey(
                name: "PK_web_conversation_messages",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "IX_web_conversation_messages_conversation_id_tenant_id_client_~",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "IX_web_conversation_messages_conversation_id_tenant_id_created~",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "IX_web_conversation_messages_turn_id_tenant_id_role",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "ix_messages_pending",
                table: "web_conversation_messages");

            migrationBuilder.DropIndex(
                name: "ix_messages_pending_of_conversation",
                table: "web_conversation_messages");

            migrationBuilder.AddPrimaryKey(
                name: "PK_web_conversation_messages",
                table: "web_conversation_messages",
                columns: new[] { "tenant_id", "id" });

            migrationBuilder.CreateIndex(
                name: "IX_web_conversations_tenant_id_user_id_updated_at_id",
                table: "web_conversations",
                columns: new[] { "tenant_id", "user_id", "updated_at", "id" });

            migrationBuilder.CreateIndex(
                name: "IX_web_conversation_messages_tenant_id_conversation_id_client_~",
                table: "web_conversation_messages",
                columns: new[] { "tenant_id", "conversation_id", "client_message_id" },
                unique: true,
                filter: "client_message_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_web_conversation_messages_tenant_id_conversation_id_created~",
                table: "web_conversation_messages",
                columns: new[] { "tenant_id", "conversation_id", "created_at", "id" });

            migrationBuilder.CreateIndex(
                name: "IX_web_conversation_messages_tenant_id_turn_id_role",
                table: "web_conversation_messages",
                columns: new[] { "tenant_id", "turn_id", "role" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_messages_pending",
                table: "web_conversation_messages",
                columns: new[] { "created_at", "turn_id" },
                filter: "status = 'pending'");

            migrationBuilder.CreateIndex(
                name: "ix_messages_pending_of_conversation",
                table: "web_conversation_messages",
                columns: new[] { "tenant_id", "conversation_id" },
                filter: "status = 'pending'");
        }
    }
}
