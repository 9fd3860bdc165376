using System.ComponentModel.DataAnnotations;

namespace Konstruct.Gateway.Edge;

/// <summary>Limits for incoming connections and requests: configuration section <c>Edge</c>.</summary>
internal sealed class EdgeOptions : IValidatableObject
{
    public const string Section = "Edge";

    /// <summary>
    /// Allowed origins of web pages, separated by semicolons: <c>https://portal.example</c>; <c>http://localhost:*</c> for any
    /// port; <c>*</c> for any page. Default: only the gateway's own origin; Development's settings add the local machine's.
    /// </summary>
    public string AllowedOrigins { get; set; } = "";

    /// <summary>Whether requests without an Origin header are allowed. Browsers always send one, other programs do not. Default true.</summary>
    public bool AllowMissingOrigin { get; set; } = true;

    /// <summary>Maximum number of sockets of this gateway; one more is closed with 4009. Default 20,000; 0 is refused.</summary>
    [Range(1, 1_000_000)]
    public int MaxSockets { get; set; } = 20_000;

    /// <summary>Maximum number of sockets of one user on this gateway; one more is closed with 4009. Default 20; 0: no limit.</summary>
    [Range(0, 1_000_000)]
    public int MaxSocketsPerUser { get; set; } = 20;

    /// <summary>Messages per minute of one user, over all sockets and gateways. Default 20; 0: no limit.</summary>
    [Range(0, 1_000_000)]
    public int MessagesPerMinute { get; set; } = 20;

    /// <summary>Maximum burst of messages. Default 5; 0 is refused.</summary>
    [Range(1, 1_000_000)]
    public int MessageBurst { get; set; } = 5;

    /// <summary>
    /// Requests per minute of one user on this gateway, other than messages: API calls, and <c>resume</c>,
    /// <c>cancel</c> and renewed <c>auth</c> frames. Default 300; 0: no limit.
    /// </summary>
    [Range(0, 1_000_000)]
    public int RequestsPerMinute { get; set; } = 300;

    /// <summary>Maximum burst of requests. Default 60, so that a page with many tabs can reconnect; 0 is refused.</summary>
    [Range(1, 1_000_000)]
    public int RequestBurst { get; set; } = 60;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (OriginPattern.ParseList(AllowedOrigins).Wrong is { } wrong)
        {
            yield return new(
                $"Edge:AllowedOrigins holds '{wrong}'. An origin is a scheme, a host and perhaps a port, without a path: https://portal.example."
            );
        }
    }
}
