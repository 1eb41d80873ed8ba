// @ts-check
// A text that grows is read aloud by sentences: token by token none would be heard to its end.

// Everything up to the last end of a sentence; a dot within a number ends none.
const SENTENCES = /^.*(?:[.!?…]["'”’»)]*(?=\s)|[。！？]|\n)/s;

/**
 * What of a text can be read now: whole sentences, and all of it once it is finished.
 * @param {string} text  what was not read yet
 * @param {boolean} done
 */
export function readable(text, done) {
  return done ? text : SENTENCES.exec(text)?.[0] ?? "";
}
