using Xunit;

namespace Konstruct.Tests.Harness;

/// <summary>
/// The collection of all test classes that share one <typeparamref name="TFixture"/>. xUnit ignores <c>DisableParallelization</c> of a generic definition:
/// tests that must run alone have a definition of their own.
/// </summary>
[CollectionDefinition]
public sealed class Sharing<TFixture> : ICollectionFixture<TFixture>
    where TFixture : class;
