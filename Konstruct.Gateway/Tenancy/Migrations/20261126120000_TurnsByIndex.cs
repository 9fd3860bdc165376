using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Konstruct.Gateway.Tenancy.Migrations
{
    /// <inheritdoc />
    [DbContext(typeof(ChatDbContext))]
    [Migration("20261126120000_TurnsByIndex")]
    internal sealed partial class TurnsByIndex : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // The functions as they are now; the signatures and what they answer are those of before.
            migrationBuilder.Sql(Sql.Embedded.Turns);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // The functions of before do the same, only slower.
        }
    }
}
