using System.ComponentModel.DataAnnotations;

namespace Konstruct.OrchestratorStub.Work;

/// <summary>How the worker claims tasks: configuration section <c>Dispatch</c>. Times are <c>hh:mm:ss</c>.</summary>
internal sealed class DispatchOptions : IValidatableObject
{
    public const string Section = "Dispatch";

    /// <summary>Duration of a lease without a heartbeat. A heartbeat is sent three times per lease. Default 30 s.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Interval at which the queue is polled without a wake-up. Default 1 s.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a stopping worker continues its turns before it gives them back. Default 20 s; 0: gives them back at once.</summary>
    public TimeSpan DrainLimit { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Maximum bytes of an answer in its log. A longer answer is cut off and the turn fails. Default 4 MB, for 1 MB of text and its frames.
    /// </summary>
    [Range(1024, Contracts.Redis.StreamEvent.MaxTextBytes)]
    public int MaxAnswerBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Template of the response channel; must equal the gateway's <c>Chat:ResponseChannel</c>.</summary>
    public string ResponseChannel { get; set; } = Contracts.Redis.ResponseChannel.DefaultTemplate;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Contracts.Redis.ResponseChannel.IsValid(ResponseChannel))
        {
            yield return new($"Dispatch:ResponseChannel is '{ResponseChannel}'. It must hold {{tenant_id}} and {{conversation_id}}.");
        }

        if (Lease < TimeSpan.FromMilliseconds(300) || Lease > TimeSpan.FromHours(1))
        {
            yield return new($"Dispatch:Lease is {Lease}. It must last from 0.3 seconds to an hour.");
        }

        if (PollInterval <= TimeSpan.Zero || PollInterval > TimeSpan.FromMinutes(1))
        {
            yield return new($"Dispatch:PollInterval is {PollInterval}. It must be longer than 0 and at most a minute.");
        }

        if (DrainLimit < TimeSpan.Zero || DrainLimit > TimeSpan.FromMinutes(5))
        {
            yield return new($"Dispatch:DrainLimit is {DrainLimit}. It must last from 0 to 5 minutes.");
        }
    }
}
