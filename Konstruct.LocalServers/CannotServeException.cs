namespace Konstruct.LocalServers;

/// <summary>A server cannot run here. The message is one sentence that says what to do.</summary>
internal sealed class CannotServeException(string sentence, Exception? cause = null) : Exception(sentence, cause);
