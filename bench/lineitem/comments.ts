import { Random } from './random.js';

/*
 * Comments as TPC-H's dbgen makes them: substrings of a text that a small grammar spells out (TPC-H specification
 * 4.2.2.13 and 4.2.2.14).
 */

const words = (text: string) => text.trim().split(/\s+/);

const NOUNS = words(`
  foxes ideas theodolites pinto_beans instructions dependencies excuses platelets asymptotes courts dolphins multipliers
  sauternes warthogs frets dinos attainments somas Tiresias' patterns forges braids hockey_players frays warhorses
  dugouts notornis epitaphs pearls tithes waters orbits gifts sheaves depths sentiments decoys realms pains grouches
  escapades packages requests accounts deposits`);
const VERBS = words(`
  sleep wake are cajole haggle nag use boost affix detect integrate maintain nod was lose sublate solve thrash promise
  engage hinder print x-ray breach eat grow impress mold poach serve run dazzle snooze doze unwind kindle play hang
  believe doubt`);
const ADJECTIVES = words(`
  furious sly careful blithe quick fluffy slow quiet ruthless thin close dogged daring brave stealthy permanent
  enticing idle busy regular final ironic even bold silent special pending express unusual`);
const ADVERBS = words(`
  sometimes always never furiously slyly carefully blithely quickly fluffily slowly quietly ruthlessly thinly closely
  doggedly daringly bravely stealthily permanently enticingly idly busily regularly finally ironically evenly boldly
  silently`);
const PREPOSITIONS = words(`
  about above according_to across after against along alongside_of among around at atop before behind beneath beside
  besides between beyond by despite during except for from in_place_of inside instead_of into near of on outside over
  past since through throughout to toward under until up upon without with within`);
const AUXILIARIES = words(`
  do may might shall will would can could should ought_to must will_have_to shall_have_to could_have_to
  should_have_to must_have_to need_to try_to`);
const TERMINATORS = ['.', '.', '.', ';', ':', '?', '!', '--'];

/** A text of about `bytes` bytes of ASCII. */
export function commentText(bytes: number): Buffer {
  const random = new Random(7);
  const noun = () => {
    const one = () => random.pick(NOUNS);
    const adjective = () => random.pick(ADJECTIVES);
    switch (random.between(0, 3)) {
      case 0:
        return one();
      case 1:
        return `${adjective()} ${one()}`;
      case 2:
        return `${adjective()}, ${adjective()} ${one()}`;
      default:
        return `${random.pick(ADVERBS)} ${adjective()} ${one()}`;
    }
  };
  const verb = () => {
    const one = random.pick(VERBS);
    const withAuxiliary = random.between(0, 1) === 0 ? one : `${random.pick(AUXILIARIES)} ${one}`;
    return random.between(0, 1) === 0 ? withAuxiliary : `${withAuxiliary} ${random.pick(ADVERBS)}`;
  };
  const preposition = () => `${random.pick(PREPOSITIONS)} the ${noun()}`;
  const sentence = () => {
    const end = random.pick(TERMINATORS);
    switch (random.between(0, 4)) {
      case 0:
        return `${noun()} ${verb()}${end}`;
      case 1:
        return `${noun()} ${verb()} ${preposition()}${end}`;
      case 2:
        return `${noun()} ${verb()} ${noun()}${end}`;
      case 3:
        return `${noun()} ${preposition()} ${verb()} ${noun()}${end}`;
      default:
        return `${noun()} ${preposition()} ${verb()} ${preposition()}${end}`;
    }
  };
  const parts: string[] = [];
  for (let size = 0; size < bytes;) {
    const text = `${sentence()} `.replaceAll('_', ' ');
    parts.push(text);
    size += text.length;
  }
  return Buffer.from(parts.join(''), 'latin1');
}
