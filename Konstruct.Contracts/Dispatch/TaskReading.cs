using System.Text.Json;

namespace Konstruct.Contracts.Dispatch;

/// <summary>Why an entry of the dispatch queue cannot be read.</summary>
public enum UnreadableReason
{
    /// <summary>It has no task payload.</summary>
    Missing,

    /// <summary>The payload is not a task: not JSON, or a required member is missing.</summary>
    Malformed,

    /// <summary>The payload is a task of another turn or attempt.</summary>
    Mismatched,
}

/// <summary>Reads tasks from Redis without trusting them: any process may have written them.</summary>
public static class TaskReading
{
    /// <summary>Reads the task of an entry. Never throws.</summary>
    /// <param name="entry">The entry's name.</param>
    /// <param name="payload">The entry's payload; empty: none.</param>
    /// <param name="task">The task, when the result is null.</param>
    /// <returns>Null: it is the entry's task.</returns>
    public static UnreadableReason? TryRead(string entry, ReadOnlySpan<byte> payload, out KonstructMessage task)
    {
        task = null!;
        if (payload.IsEmpty)
        {
            return UnreadableReason.Missing;
        }

        try
        {
            task = KonstructMessage.Parse(payload);
        }
        catch (JsonException)
        {
            return UnreadableReason.Malformed;
        }

        return Redis.RedisKeys.Entry(task.TurnId, task.Attempt) == entry ? null : UnreadableReason.Mismatched;
    }
}
