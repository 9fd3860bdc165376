using System.ComponentModel.DataAnnotations;
using Konstruct.Contracts.Redis;

namespace Konstruct.Gateway.Configuration;

/// <summary>The queue that feeds the orchestrator.</summary>
internal enum QueueKind
{
    /// <summary>The queue of this project: entries with leases in the gateway's Redis.</summary>
    Native,

    /// <summary>A queue of Celery, for an orchestrator in Python that exists already.</summary>
    Celery,
}

/// <summary>How a gateway dispatches turns: configuration section <c>Dispatch</c>.</summary>
internal sealed class DispatchOptions : IValidatableObject
{
    public const string Section = "Dispatch";

    /// <summary>The queue: <c>native</c> or <c>celery</c>. Default <c>native</c>.</summary>
    public QueueKind Queue { get; set; }

    /// <summary>Settings that apply when <see cref="Queue"/> is <c>celery</c>.</summary>
    public CeleryOptions Celery { get; set; } = new();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Enum.IsDefined(Queue))
        {
            yield return new($"Dispatch:Queue is {Queue}. It can be native or celery.");
        }

        foreach (var fault in Celery.Faults())
        {
            yield return new(fault);
        }
    }
}

/// <summary>The Celery queue: configuration section <c>Dispatch:Celery</c>. Times are <c>hh:mm:ss</c>.</summary>
internal sealed class CeleryOptions
{
    /// <summary>
    /// Name of the connection string of the broker's Redis. Without that connection string the broker is the gateway's own Redis. The database
    /// number (<c>defaultDatabase=1</c>) must be the one in the worker's broker URL.
    /// </summary>
    public const string Connection = "celery";

    /// <summary>Name of the list, which is Celery's queue. Default <c>celery</c>.</summary>
    public string List { get; set; } = "celery";

    /// <summary>Name of the task. Default <c>orchestrator.tasks.handle_message</c>. A worker discards a name that it does not know.</summary>
    public string Task { get; set; } = "orchestrator.tasks.handle_message";

    /// <summary>
    /// Whether the task publishes <c>turn_id</c> in its payloads. Then a conversation may have several turns at once. Default false: one
    /// turn at a time.
    /// </summary>
    public bool EchoesTurn { get; set; }

    /// <summary>
    /// Priority, 1 to 9; default 0: off. Kombu's Redis transport keeps one list for each of its steps 0, 3, 6 and 9, and serves the lowest first.
    /// </summary>
    public int Priority { get; set; }

    /// <summary>Whether workers store the task's result. Default false: the result backend is off, and no process reads results.</summary>
    public bool StoreResult { get; set; }

    /// <summary>
    /// Time after which another gateway listens to a turn whose gateway has died. Default 5 s, from 1 s to 1 min; renewed at a fifth of it.
    /// </summary>
    public TimeSpan ListeningLease { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Time for which a conversation waits for the late <c>done</c> of a turn that was cancelled or failed, from its last payload. Default 3
    /// min; 0: it does not wait, and a late answer may reach the next turn. No effect with <see cref="EchoesTurn"/>.
    /// </summary>
    public TimeSpan LateLimit { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>Maximum bytes of an answer in its log; a longer answer fails with the text it has. Default 4 MB.</summary>
    public int MaxAnswerBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Sentences about invalid values.</summary>
    public IEnumerable<string> Faults()
    {
        if (string.IsNullOrWhiteSpace(List))
        {
            yield return "Dispatch:Celery:List is empty. Name the queue of the Celery workers; Celery's default is celery.";
        }

        if (string.IsNullOrWhiteSpace(Task))
        {
            yield return "Dispatch:Celery:Task is empty. Name the task as the worker's log lists it under [tasks].";
        }

        if (Priority is < 0 or > 9)
        {
            yield return $"Dispatch:Celery:Priority is {Priority}. It can be a number from 0 to 9.";
        }

        if (ListeningLease < TimeSpan.FromSeconds(1) || ListeningLease > TimeSpan.FromMinutes(1))
        {
            yield return $"Dispatch:Celery:ListeningLease is {ListeningLease}. It must last from 1 second to a minute.";
        }

        if (LateLimit < TimeSpan.Zero || LateLimit > TimeSpan.FromHours(1))
        {
            yield return $"Dispatch:Celery:LateLimit is {LateLimit}. It must last from 0 to an hour.";
        }

        if (MaxAnswerBytes is < 1024 or > StreamEvent.MaxTextBytes)
        {
            yield return $"Dispatch:Celery:MaxAnswerBytes is {MaxAnswerBytes}. It must be from 1,024 to {StreamEvent.MaxTextBytes:N0}.";
        }
    }
}
