namespace Konstruct.Load;

/// <summary>An invalid argument; the message says what is expected.</summary>
internal sealed class BadArgumentException(string message) : Exception(message);
