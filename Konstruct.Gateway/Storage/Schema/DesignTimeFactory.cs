using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Konstruct.Gateway.Storage.Schema;

/// <summary>Used only by <c>dotnet ef migrations add</c>, which connects to no server.</summary>
internal sealed class DesignTimeFactory : IDesignTimeDbContextFactory<ChatDbContext>
{
    public ChatDbContext CreateDbContext(string[] args) => new(new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql("Host=design-time").Options);
}
