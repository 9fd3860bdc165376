using Konstruct.Tests.Auth;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Edge;

/// <summary>As deployed: tokens, and limits small enough to be met in a test.</summary>
public sealed class GuardedPipeline(DatabaseFactory databases) : PipelineFixture(databases)
{
    public const int MaxSocketsPerUser = 3;
    public const int MessageBurst = 3;
    public const int MaxTextLength = 100;
    public static readonly TimeSpan ExpiryGrace = TimeSpan.FromSeconds(1);

    private protected override Dictionary<string, string> Settings =>
        new()
        {
            ["Auth__Mode"] = "Jwt",
            ["Auth__Jwt__SigningKey"] = Tokens.Key,
            ["Auth__Jwt__ClockSkew"] = "00:00:00",
            ["Auth__ExpiryGrace"] = $"{ExpiryGrace}",
            ["Chat__CreateMissingConversations"] = "true",
            ["Chat__MaxTextLength"] = $"{MaxTextLength}",
            ["Edge__AllowedOrigins"] = "https://portal.example;http://localhost:*",
            ["Edge__MaxSocketsPerUser"] = $"{MaxSocketsPerUser}",
            ["Edge__MessageBurst"] = $"{MessageBurst}",
            ["Edge__MessagesPerMinute"] = "1",
        };
}
