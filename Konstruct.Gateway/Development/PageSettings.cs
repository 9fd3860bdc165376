using System.Text.Json.Serialization;

namespace Konstruct.Gateway.Development;

/// <summary>The page's JSON, in camel case because only JavaScript reads it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PageSettings))]
internal sealed partial class PageJson : JsonSerializerContext;

/// <summary><c>/page/settings.json</c>: the page's default identity, and the address of the dashboard.</summary>
/// <param name="TenantId">The tenant that Development seeds.</param>
/// <param name="UserId">Its user.</param>
/// <param name="Role">The user's role.</param>
/// <param name="AgentId">The AI employee of new conversations.</param>
/// <param name="DashboardUrl">Address of a dashboard; null: not configured.</param>
internal sealed record PageSettings(Guid TenantId, Guid UserId, string Role, Guid AgentId, Uri? DashboardUrl)
{
    public static PageSettings For(PageOptions options) =>
        new(DevelopmentSeed.TenantId, DevelopmentSeed.UserId, "member", DevelopmentSeed.AgentId, options.DashboardUrl);
}
