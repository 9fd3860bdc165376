namespace Konstruct.Contracts.Wire;

/// <summary>The three ways a turn can end, and the words for them on the wire, in the log and in Postgres.</summary>
public static class TurnOutcome
{
    /// <summary>Accepted and not yet ended: only in Postgres, never on the wire.</summary>
    public const string Pending = "pending";

    /// <summary>The orchestrator gave its whole answer, which may be empty.</summary>
    public const string Completed = "completed";

    /// <summary>A client asked to stop; the partial text is kept.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The orchestrator failed, or nobody answered in time, or every attempt was lost; the partial text is kept.</summary>
    public const string Failed = "failed";

    /// <summary>Whether a word is one of the three ends.</summary>
    public static bool IsEnd(string word) => word is Completed or Cancelled or Failed;
}
