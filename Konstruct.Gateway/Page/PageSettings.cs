using System.Text.Json.Serialization;
using Konstruct.Gateway.Tenancy;

namespace Konstruct.Gateway.Page;

/// <summary><c>/page/settings.json</c>: who the page is until somebody says otherwise, and where traces can be looked at.</summary>
/// <param name="TenantId">The tenant that Development seeds.</param>
/// <param name="UserId">Its user.</param>
/// <param name="Role">The user's role.</param>
/// <param name="AgentId">The AI employee of new conversations.</param>
/// <param name="DashboardUrl">Where a dashboard is; null: nobody said.</param>
internal sealed record PageSettings(Guid TenantId, Guid UserId, string Role, Guid AgentId, Uri? DashboardUrl)
{
    public static PageSettings For(PageOptions options) =>
        new(DevelopmentSeed.TenantId, DevelopmentSeed.UserId, "member", DevelopmentSeed.AgentId, options.DashboardUrl);
}

/// <summary>The page's JSON, in JavaScript's spelling: it is nobody else's.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PageSettings))]
internal sealed partial class PageJson : JsonSerializerContext;
