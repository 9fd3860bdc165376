using System.ComponentModel.DataAnnotations;

namespace Konstruct.Gateway.Edge;

/// <summary>What reaches the gateway at all: configuration section <c>Edge</c>.</summary>
internal sealed class EdgeOptions : IValidatableObject
{
    public const string Section = "Edge";

    /// <summary>
    /// Origins of the web pages that may come, separated by semicolons: <c>https://portal.example</c>; <c>http://localhost:*</c> for any port; <c>*</c> for any
    /// page. Default: only pages of the gateway's own address; Development's settings add the local machine's.
    /// </summary>
    public string AllowedOrigins { get; set; } = "";

    /// <summary>Whether who sends no Origin may come. Browsers always send one, programs do not. Default true.</summary>
    public bool AllowMissingOrigin { get; set; } = true;

    /// <summary>Sockets of this gateway in all; one more is closed with 4009. Default 20,000; 0 is refused.</summary>
    [Range(1, 1_000_000)]
    public int MaxSockets { get; set; } = 20_000;

    /// <summary>Sockets of one user on this gateway; one more is closed with 4009. Default 20; 0: as many as there is room for.</summary>
    [Range(0, 1_000_000)]
    public int MaxSocketsPerUser { get; set; } = 20;

    /// <summary>Messages a minute that one user may send, over all sockets and gateways. Default 20; 0: as many as come.</summary>
    [Range(0, 1_000_000)]
    public int MessagesPerMinute { get; set; } = 20;

    /// <summary>How many of them may come at once. Default 5; 0 is refused.</summary>
    [Range(1, 1_000_000)]
    public int MessageBurst { get; set; } = 5;

    /// <summary>
    /// Requests a minute of one user on this gateway besides messages: calls of the API, and <c>resume</c>, <c>cancel</c> and fresh <c>auth</c> frames. Default 300;
    /// 0: as many as come.
    /// </summary>
    [Range(0, 1_000_000)]
    public int RequestsPerMinute { get; set; } = 300;

    /// <summary>How many of them may come at once. Default 60, so that a page with many tabs can come back; 0 is refused.</summary>
    [Range(1, 1_000_000)]
    public int RequestBurst { get; set; } = 60;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (OriginPattern.ParseList(AllowedOrigins).Wrong is { } wrong)
        {
            yield return new($"Edge:AllowedOrigins holds '{wrong}'. An origin is a scheme, a host and perhaps a port, without a path: https://portal.example.");
        }
    }
}
