namespace Konstruct.Tests.Harness;

/// <summary>A folder that is deleted with what is in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("konstruct-tests-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
