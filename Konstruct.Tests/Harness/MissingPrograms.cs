using Konstruct.Tests.Harness;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(MissingProgramsFirst))]

namespace Konstruct.Tests.Harness;

/// <summary>
/// The first test of a run says which programs are missing. <c>dotnet test</c> keeps the output of a run that passes to itself, but shows each test that was
/// skipped.
/// </summary>
[Collection<BeforeAllOthers>]
public sealed class MissingPrograms
{
    [Fact]
    public void Every_program_that_tests_need_is_installed() => Assert.SkipWhen(Requirement.IsAnyMissing, Requirement.Summary);
}

[CollectionDefinition]
public sealed class BeforeAllOthers;

/// <summary>Runs <see cref="MissingPrograms"/> first and leaves the order of the others as it is.</summary>
public sealed class MissingProgramsFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [
            .. testCollections.OrderByDescending(collection =>
                collection.TestCollectionDisplayName.Contains(nameof(BeforeAllOthers), StringComparison.Ordinal)
            ),
        ];
}
