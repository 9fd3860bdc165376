using Konstruct.Tests.Clients;
using Xunit;

[assembly: AssemblyFixture(typeof(NodeCopy))]

namespace Konstruct.Tests.Clients;

/// <summary>Deletes the copy of the client at the end of the run.</summary>
public sealed class NodeCopy : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await NodeTools.DeleteCopyAsync();
}
