using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Konstruct.Gateway.Storage.Schema.Migrations
{
    /// <inheritdoc />
    [DbContext(typeof(ChatDbContext))]
    [Migration("20261126120000_TurnsByIndex")]
    internal sealed partial class TurnsByIndex : Migration
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
            // The functions of before do the same, only slower.
        }
    }
}
