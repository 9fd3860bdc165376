namespace Konstruct.AppHost.Standalone;

/// <summary>Why the application cannot run here, as one sentence for the person at the console that says what to do.</summary>
internal sealed class CannotRunException(string sentence, Exception? cause = null) : Exception(sentence, cause);
