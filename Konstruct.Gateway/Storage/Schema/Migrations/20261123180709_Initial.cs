using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Konstruct.Gateway.Storage.Schema.Migrations
{
    /// <inheritdoc />
    internal sealed partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "web_conversations",
                columns: table => new
                {
                    tenant_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    agent_id = table.Column<string>(type: "text", nullable: false),
                    title = table.Column<string>(type: "text", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()"),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_web_conversations", x => new { x.tenant_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "web_conversation_messages",
                columns: table => new
                {
                    tenant_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    conversation_id = table.Column<Guid>(type: "uuid", nullable: false),
                    role = table.Column<string>(type: "text", nullable: false),
                    content = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()"),
                    turn_id = table.Column<Guid>(type: "uuid", nullable: false),
                    status = table.Column<string>(type: "text", nullable: false),
                    attempt = table.Column<int>(type: "integer", nullable: false),
                    client_message_id = table.Column<string>(type: "text", nullable: true),
                    task = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_web_conversation_messages", x => new { x.tenant_id, x.id });
                    table.CheckConstraint("ck_messages_role", "role IN ('user', 'assistant')");
                    table.CheckConstraint("ck_messages_status", "status IN ('pending', 'completed', 'cancelled', 'failed')");
                    table.ForeignKey(
                        name: "FK_web_conversation_messages_web_conversations_tenant_id_conve~",
                        columns: x => new { x.tenant_id, x.conversation_id },
                        principalTable: "web_conversations",
                        principalColumns: new[] { "tenant_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

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

            migrationBuilder.CreateIndex(
                name: "IX_web_conversations_id",
                table: "web_conversations",
                column: "id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_web_conversations_tenant_id_user_id_updated_at_id",
                table: "web_conversations",
                columns: new[] { "tenant_id", "user_id", "updated_at", "id" });

            migrationBuilder.Sql(Sql.Embedded.OfMigration("20261123180709_row-level-security.sql"));
            migrationBuilder.Sql(Sql.Embedded.OfMigration("20261127151813_turns.sql"));
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("DROP FUNCTION accept_turn, finish_turn, pending_turns");

            migrationBuilder.DropTable(
                name: "web_conversation_messages");

            migrationBuilder.DropTable(
                name: "web_conversations");
        }
    }
}
