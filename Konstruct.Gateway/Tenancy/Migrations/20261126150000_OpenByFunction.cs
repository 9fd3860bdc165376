using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Konstruct.Gateway.Tenancy.Migrations
{
    /// <inheritdoc />
    [DbContext(typeof(ChatDbContext))]
    [Migration("20261126150000_OpenByFunction")]
    internal sealed partial class OpenByFunction : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // The functions as they are now: those that there were have the signatures and the answers of before.
            migrationBuilder.Sql(Sql.Embedded.Turns);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // A gateway of before does not call it.
            migrationBuilder.Sql("DROP FUNCTION open_conversation");
        }
    }
}
