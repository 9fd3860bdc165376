namespace Konstruct.LocalServers;

/// <summary>Why a server cannot run here, as one sentence for the person at the console that says what to do.</summary>
internal sealed class CannotServeException(string sentence, Exception? cause = null) : Exception(sentence, cause);
