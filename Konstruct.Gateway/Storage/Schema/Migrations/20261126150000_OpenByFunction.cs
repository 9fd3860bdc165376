using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Konstruct.Gateway.Storage.Schema.Migrations
{
    /// <inheritdoc />
    [DbContext(typeof(ChatDbContext))]
    [Migration("20261126150000_OpenByFunction")]
    internal sealed partial class OpenByFunction : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // The functions as the latest migration that replaced them has them: same signatures, same answers.
            migrationBuilder.Sql(Sql.Embedded.OfMigration("20261127151813_turns.sql"));
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // A gateway of before does not call it.
            migrationBuilder.Sql("DROP FUNCTION open_conversation");
        }
    }
}
